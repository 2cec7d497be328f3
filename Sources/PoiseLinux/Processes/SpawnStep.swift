import CLinux

/// What is done on the way to a new program, in this order.
package enum SpawnStep: CaseIterable, Sendable {
    case processCreation, session, cpus, scheduling, nice, descriptors, limits, oomScore
    case boundingSet, groups, group, user, noNewPrivileges, parentDeath, folder, signals, program

    /// The system call, by its C name.
    package var call: String {
        switch self {
        case .processCreation: "clone3"
        case .session: "setsid"
        case .parentDeath: "prctl(PR_SET_PDEATHSIG)"
        case .folder: "chdir"
        case .cpus: "sched_setaffinity"
        case .scheduling: "sched_setscheduler"
        case .nice: "setpriority"
        case .descriptors: "dup2"
        case .limits: "setrlimit"
        case .oomScore: "write(oom_score_adj)"
        case .boundingSet: "prctl(PR_CAPBSET_DROP)"
        case .groups: "setgroups"
        case .group: "setresgid"
        case .user: "setresuid"
        case .noNewPrivileges: "prctl(PR_SET_NO_NEW_PRIVS)"
        case .signals: "sigaction"
        case .program: "execve"
        }
    }

    init(_ step: poise_step) {
        switch step {
        case POISE_STEP_CLONE: self = .processCreation
        case POISE_STEP_SESSION: self = .session
        case POISE_STEP_PARENT_DEATH: self = .parentDeath
        case POISE_STEP_FOLDER: self = .folder
        case POISE_STEP_CPUS: self = .cpus
        case POISE_STEP_SCHEDULING: self = .scheduling
        case POISE_STEP_NICE: self = .nice
        case POISE_STEP_DESCRIPTORS: self = .descriptors
        case POISE_STEP_LIMITS: self = .limits
        case POISE_STEP_OOM_SCORE: self = .oomScore
        case POISE_STEP_BOUNDING_SET: self = .boundingSet
        case POISE_STEP_GROUPS: self = .groups
        case POISE_STEP_GROUP: self = .group
        case POISE_STEP_USER: self = .user
        case POISE_STEP_NO_NEW_PRIVILEGES: self = .noNewPrivileges
        case POISE_STEP_SIGNALS: self = .signals
        case POISE_STEP_EXEC: self = .program
        default: preconditionFailure("a spawn ended in the unknown step \(step.rawValue)")
        }
    }

    /// The steps whose bits are set.
    static func noted(in bits: UInt32) -> [SpawnStep] {
        (0...POISE_STEP_EXEC.rawValue).filter { bits & (1 << $0) != 0 }
            .map { SpawnStep(poise_step(rawValue: $0)) }
    }
}

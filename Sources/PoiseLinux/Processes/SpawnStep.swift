import CLinux

/// What is done on the way to a new program, in this order.
package enum SpawnStep: CaseIterable, Sendable {
    case processCreation, session, parentDeath, folder, cpus, scheduling, nice, descriptors, limits
    case signals, program

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

import Glibc
import PoiseLinux
import PoiseModel

/// A program that checks a feature: it runs as one of the feature's, has nothing to print to, and
/// leaves nothing behind.
struct CheckCommand {
    /// What it is born with, as far as the feature has it.
    struct Birth {
        var user: Credentials?
        /// The home of that user.
        var home: String?
        var cgroup: FileDescriptor?
        /// Nil where a cgroup holds it.
        var placement: AffinityPlacement?
    }

    /// Marks all processes of one check, whatever session they make for themselves.
    private static let variable = "POISE_CHECK"

    let process: ChildProcess
    private let mark: String
    /// The same mark where we may not read the environment of another user's process: how soon
    /// memory running out ends it, which anybody may read and nobody without rights may lower.
    private let score: Int

    /// - Parameter place: which of the feature's checks it is; 0 to 15.
    init(
        _ words: [String], _ key: CheckKey, place: Int, _ birth: Birth
    ) throws(SystemError) {
        mark = "\(key.feature)/\(key.check)"
        score = 900 + place
        var request = SpawnRequest(program: words.first ?? "")
        request.arguments = Array(words.dropFirst())
        request.environment = OwnEnvironment.variables
        request.environment[HostLauncher.featureVariable] = key.feature.name
        request.environment[CheckCommand.variable] = mark
        request.limits = [ResourceLimit(.coreBytes, 0)]
        request.parentDeathSignal = SIGKILL
        request.cgroup = birth.cgroup
        request.oomScoreAdjust = score
        if let user = birth.user {
            request.user = user
            request.noCapabilities = true
            request.noNewPrivileges = true
            request.environment["HOME"] = birth.home
        }
        if let placement = birth.placement {
            request.cpus = placement.cpus
            request.nice = placement.nice
            request.scheduling = placement.scheduling
        }
        process = try ChildProcess.spawn(request)
    }

    /// Ends it and all below it; it is reaped when its descriptor tells of its end.
    func kill() {
        for pid in ProcessTree.tree(of: [process.pid]).dropFirst() { Glibc.kill(pid, SIGKILL) }
        killGroup()
    }

    /// Ends its process group; it must not have been reaped, so that the number is still its own.
    func killGroup() { Glibc.kill(-process.pid, SIGKILL) }

    /// Ends what made itself a session and has become our child, once it has been reaped.
    func killLeft(_ orphans: [ProcessID]) {
        for pid in ProcessTree.tree(of: orphans.filter(isLeft)) { Glibc.kill(pid, SIGKILL) }
    }

    private func isLeft(_ pid: ProcessID) -> Bool {
        if ProcessFiles.environmentValue(CheckCommand.variable, of: pid) == mark { return true }
        guard let began = process.startTicks,
            let ticks = ProcessFiles.stat(of: pid)?.startTicks, ticks >= began,
            ProcessFiles.environmentValue(HostLauncher.featureVariable, of: pid) == nil
        else { return false }
        return ProcessFiles.text("/proc/\(pid)/oom_score_adj")?.trimmed == "\(score)"
    }
}

extension String {
    fileprivate var trimmed: Substring { prefix { !$0.isNewline } }
}

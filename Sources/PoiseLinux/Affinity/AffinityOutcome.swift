package import PoiseModel

/// How the application of one setting of a placement went.
package enum AffinityOutcome: Hashable, Sendable {
    /// What is set.
    package enum Setting: String, CaseIterable, Sendable, Comparable {
        case cpus, scheduling, nice
        /// The nice value of a whole session (`/proc/PID/autogroup`).
        case session
        case memory

        package static func < (left: Setting, right: Setting) -> Bool { left.place < right.place }

        private var place: Int { Setting.allCases.firstIndex(of: self) ?? 0 }
    }

    /// Written to `count` threads (for memory: processes, for session: sessions).
    case applied(Setting, count: Int)
    /// `count` threads or processes have it already, or hold themselves to less.
    case unchanged(Setting, count: Int)
    /// The kernel refused it for `count` threads or processes, for this reason.
    case refused(Setting, count: Int, errno: Errno, remedy: String)
    /// New threads came with the old setting faster than they could be moved; verify later.
    case unsettled(threads: Int)
}

/// Counts what was done, until it is told as outcomes.
struct AffinityTally {
    private struct Refusal: Hashable {
        var setting: AffinityOutcome.Setting
        var errno: Errno
    }

    private var applied: [AffinityOutcome.Setting: Int] = [:]
    private var unchanged: [AffinityOutcome.Setting: Int] = [:]
    private var refused: [Refusal: Int] = [:]
    var unsettled = 0

    mutating func count(_ setting: AffinityOutcome.Setting, _ result: SettingResult) {
        switch result {
        case .gone: break
        case .unchanged: unchanged[setting, default: 0] += 1
        case .written: applied[setting, default: 0] += 1
        case .refused(let errno):
            refused[Refusal(setting: setting, errno: errno), default: 0] += 1
        }
    }

    /// In the order of the settings; refusals after successes.
    var outcomes: [AffinityOutcome] {
        var result: [AffinityOutcome] = []
        for setting in AffinityOutcome.Setting.allCases {
            if let count = applied[setting] { result.append(.applied(setting, count: count)) }
            if let count = unchanged[setting] { result.append(.unchanged(setting, count: count)) }
            let refusals = refused.filter { $0.key.setting == setting }
            for (refusal, count) in refusals.sorted(by: { $0.key.errno.code < $1.key.errno.code }) {
                result.append(
                    .refused(
                        setting, count: count, errno: refusal.errno,
                        remedy: Self.remedy(for: setting, refusal.errno)))
            }
        }
        if unsettled > 0 { result.append(.unsettled(threads: unsettled)) }
        return result
    }

    private static func remedy(
        for setting: AffinityOutcome.Setting, _ errno: Errno
    ) -> String {
        switch setting {
        case .cpus where errno == .invalid:
            "none of these CPUs may be used here; see Cpus_allowed_list in /proc/self/status"
        case .cpus: "run poised as the user of these processes, or with CAP_SYS_NICE"
        case .session where errno == .tryAgain:
            "the kernel takes one such change in 100 ms; it is made when this is verified"
        case .scheduling, .nice, .session:
            "run poised with CAP_SYS_NICE, or allow lower nice values (ulimit -e, LimitNICE=)"
        case .memory:
            "the process's hard limit is lower; run poised with CAP_SYS_RESOURCE or start it again"
        }
    }
}

/// What became of one setting of one thread or process.
enum SettingResult: Equatable {
    /// It has ended, which is no error.
    case gone
    case unchanged
    case written
    case refused(Errno)
}

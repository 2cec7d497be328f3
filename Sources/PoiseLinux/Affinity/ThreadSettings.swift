import CLinux
package import PoiseModel

/// Reads and writes what the kernel keeps for a thread (or, for limits, a process); 0 is the
/// calling thread.
package enum ThreadSettings {
    /// Enough for the most CPUs that Linux can be built for (8192).
    private static let maskWords = 128

    /// `sched_getaffinity(2)`.
    package static func cpus(of thread: ProcessID) throws(SystemError) -> CPUSet {
        var words = [UInt64](repeating: 0, count: maskWords)
        let count = try linuxCall("sched_getaffinity", on: "thread \(thread)") {
            poise_get_affinity(thread, &words, UInt32(maskWords))
        }
        return CPUSet(words: words.prefix(Int(count)))
    }

    /// `sched_setaffinity(2)`.
    package static func setCPUs(_ cpus: CPUSet, of thread: ProcessID) throws(SystemError) {
        let words = cpus.bits
        _ = try linuxCall("sched_setaffinity", on: "thread \(thread)") {
            poise_set_affinity(thread, words, UInt32(words.count))
        }
    }

    /// `getpriority(2)`.
    package static func nice(of thread: ProcessID) throws(SystemError) -> Int {
        var nice: Int32 = 0
        _ = try linuxCall("getpriority", on: "thread \(thread)") { poise_get_nice(thread, &nice) }
        return Int(nice)
    }

    /// `setpriority(2)`.
    package static func setNice(_ nice: Int, of thread: ProcessID) throws(SystemError) {
        _ = try linuxCall("setpriority", on: "thread \(thread)") {
            poise_set_nice(thread, Int32(nice))
        }
    }

    /// Nil for a real-time policy (`sched_getscheduler(2)`).
    package static func scheduling(
        of thread: ProcessID
    ) throws(SystemError) -> SchedulingClass? {
        SchedulingClass(policy: try policy(of: thread) & ~Int32(POISE_SCHED_RESET_ON_FORK))
    }

    /// Keeps the flag by which children do not inherit it (`sched_setscheduler(2)`).
    package static func setScheduling(
        _ scheduling: SchedulingClass, of thread: ProcessID
    ) throws(SystemError) {
        let flag = try policy(of: thread) & Int32(POISE_SCHED_RESET_ON_FORK)
        _ = try linuxCall("sched_setscheduler", on: "thread \(thread)") {
            poise_set_scheduling(thread, scheduling.policy | flag)
        }
    }

    /// `prlimit(2)`.
    package static func limit(
        _ kind: ResourceLimit.Kind, of process: ProcessID
    ) throws(SystemError) -> ResourceLimit {
        var limit = poise_limit()
        limit.resource = kind.rawValue
        _ = try linuxCall("prlimit", on: "process \(process)") { poise_get_limit(process, &limit) }
        return ResourceLimit(
            kind, soft: Int(exactly: limit.soft), hard: Int(exactly: limit.hard))
    }

    /// `prlimit(2)`.
    package static func setLimit(
        _ limit: ResourceLimit, of process: ProcessID
    ) throws(SystemError) {
        var raw = poise_limit(limit)
        _ = try linuxCall("prlimit", on: "process \(process)") { poise_set_limit(process, &raw) }
    }

    private static func policy(of thread: ProcessID) throws(SystemError) -> Int32 {
        try linuxCall("sched_getscheduler", on: "thread \(thread)") {
            poise_get_scheduling(thread)
        }
    }
}

extension poise_limit {
    /// A limit as C takes it.
    init(_ limit: ResourceLimit) {
        self.init(
            resource: limit.kind.rawValue, reserved: 0,
            soft: limit.soft.map { UInt64($0) } ?? .max,
            hard: limit.hard.map { UInt64($0) } ?? .max)
    }
}

/// What `/proc/PID/task/TID/schedstat` tells of a thread.
package struct ScheduleStat: Equatable, Sendable {
    package var ranNanoseconds: Int
    /// How long it was ready to run and had no CPU (run delay).
    package var waitedNanoseconds: Int

    package init(ranNanoseconds: Int, waitedNanoseconds: Int) {
        self.ranNanoseconds = ranNanoseconds
        self.waitedNanoseconds = waitedNanoseconds
    }
}

/// The text of `/proc/PID/task/TID/schedstat` (`Documentation/scheduler/sched-stats.rst`).
package enum ScheduleStatFormat {
    /// Nil when the bytes are not one, and where the kernel does not count (`0 0 0`), which a
    /// thread that has not run yet cannot be told from.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> ScheduleStat? {
        let values = KernelBytes.numbers(bytes)
        guard values.count == 3, values != [0, 0, 0] else { return nil }
        return ScheduleStat(ranNanoseconds: values[0], waitedNanoseconds: values[1])
    }
}

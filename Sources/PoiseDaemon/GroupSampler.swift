import PoiseLinux
import PoiseModel

/// Makes load samples of what the kernel has counted for one cgroup.
struct GroupSampler {
    private var last: (used: Duration, at: Instant)?
    private var killed: Int?

    mutating func sample(_ reading: CgroupReading, now: Instant) -> LoadSample {
        var sample = LoadSample()
        sample.memoryBytes = reading.memoryBytes
        sample.threads = reading.tasks
        sample.cpuTime = reading.cpu?.used
        guard let used = reading.cpu?.used else { return sample }
        if let last, now > last.at {
            sample.coresBusy = (used - last.used).inSeconds / (now - last.at).inSeconds
        }
        last = (used, now)
        return sample
    }

    /// How many processes the kernel has killed since the last time for want of memory.
    mutating func newKills(_ reading: CgroupReading) -> Int {
        guard let now = reading.memoryEvents?.killed else { return 0 }
        defer { killed = now }
        return max(0, now - (killed ?? 0))
    }
}

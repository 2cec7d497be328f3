/// A file of a cgroup that Poise writes, by its name in cgroup v2.
package enum ControlFile: String, Sendable, CaseIterable, Comparable {
    case cpusetCPUs = "cpuset.cpus"
    case cpusetMems = "cpuset.mems"
    case cpusetPartition = "cpuset.cpus.partition"
    case cpuIdle = "cpu.idle"
    case cpuWeight = "cpu.weight"
    case cpuMax = "cpu.max"
    case memoryMin = "memory.min"
    case memoryLow = "memory.low"
    case memoryHigh = "memory.high"
    case memoryMax = "memory.max"
    case memorySwapMax = "memory.swap.max"
    case ioWeight = "io.weight"
    case ioMax = "io.max"
    case pidsMax = "pids.max"
    case hugetlb2MBMax = "hugetlb.2MB.max"
    case hugetlb1GBMax = "hugetlb.1GB.max"

    /// The controller that a parent must offer for the file to be there.
    package var controller: String { String(rawValue.prefix { $0 != "." }) }

    /// What a new cgroup has in it, in the form that the kernel prints.
    package var standard: String {
        switch self {
        case .cpusetCPUs, .cpusetMems: ""
        case .cpusetPartition: "member"
        case .cpuIdle: "0"
        case .cpuWeight: "100"
        case .cpuMax: "max 100000"
        case .memoryMin, .memoryLow: "0"
        case .memoryHigh, .memoryMax, .memorySwapMax, .pidsMax, .hugetlb2MBMax, .hugetlb1GBMax:
            "max"
        case .ioWeight: "default 100"
        case .ioMax: "rbps=max wbps=max riops=max wiops=max"
        }
    }

    package static func < (left: ControlFile, right: ControlFile) -> Bool {
        left.place < right.place
    }

    private var place: Int { ControlFile.allCases.firstIndex(of: self) ?? 0 }
}

/// One setting of a cgroup: a file, and for `io.max` the device that the line is for.
package struct ControlKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var file: ControlFile
    /// `MAJOR:MINOR` of a block device; only for `io.max`.
    package var device: String?

    package init(_ file: ControlFile, device: String? = nil) {
        self.file = file
        self.device = device
    }

    package var description: String {
        device.map { "\(file.rawValue) of \($0)" } ?? file.rawValue
    }

    package static func < (left: ControlKey, right: ControlKey) -> Bool {
        (left.file, left.device ?? "") < (right.file, right.device ?? "")
    }
}

package import PoiseModel

/// The texts of control files: what is written, what is read, and when two mean the same.
package enum ControlText {
    /// The kernel counts memory in pages of this many bytes and rounds limits down to them.
    private static let page = 4096

    /// What is written to give `key` the value.
    package static func written(_ value: String, to key: ControlKey) -> String {
        guard let device = key.device else { return value }
        return "\(device) \(value)"
    }

    /// The value of `key` in the whole text of its file: the line of the device, the default of
    /// `io.weight`, without newlines.
    package static func value(of key: ControlKey, in text: String) -> String {
        let lines = text.split(separator: "\n")
        switch key.file {
        case .ioMax:
            let start = (key.device ?? "") + " "
            guard let line = lines.first(where: { $0.hasPrefix(start) }) else {
                return key.file.standard
            }
            return String(line.dropFirst(start.count))
        case .ioWeight:
            return String(lines.first { $0.hasPrefix("default ") } ?? lines.first ?? "")
        default:
            return lines.joined(separator: "\n")
        }
    }

    /// The value in the form that the kernel gives it back: lists of CPUs in order, memory in whole
    /// pages. What a plan asks for should be in this form, so that what was written before a
    /// restart is found equal after it.
    package static func normal(_ value: String, of file: ControlFile) -> String {
        switch file {
        case .cpusetCPUs: return CPUSet(value)?.description ?? value
        case .cpusetMems: return NodeSet(value)?.description ?? value
        case .memoryMin, .memoryLow, .memoryHigh, .memoryMax, .memorySwapMax:
            return rounded(value, to: page)
        case .hugetlb2MBMax: return rounded(value, to: 2 << 20)
        case .hugetlb1GBMax: return rounded(value, to: 1 << 30)
        case .ioWeight: return value.hasPrefix("default ") ? value : "default \(value)"
        case .cpuMax: return value.contains(" ") ? value : "\(value) 100000"
        case .cpusetPartition, .cpuIdle, .cpuWeight, .ioMax, .pidsMax: return value
        }
    }

    /// Whether two values of a file are the same to the kernel.
    static func areEqual(_ one: String, _ other: String, in file: ControlFile) -> Bool {
        one == other || normal(one, of: file) == normal(other, of: file)
    }

    private static func rounded(_ value: String, to unit: Int) -> String {
        guard let bytes = Int(value) else { return value }
        return "\(bytes / unit * unit)"
    }
}

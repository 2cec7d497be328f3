/// `/proc/self/fdinfo/N` of a descriptor of a process (`pidfd_open(2)`).
package enum PidfdFormat {
    /// The number of the process, -1 when it has ended and is reaped, 0 when it is in another
    /// namespace; nil when the descriptor is of something else.
    package static func parse(_ text: String) -> ProcessID? {
        for line in text.split(separator: "\n") where line.hasPrefix("Pid:") {
            return ProcessID(line.dropFirst(4).trimmed)
        }
        return nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
    }
}

package import PoiseModel

/// What `/proc/PID/status` tells of a process; nil is "not told" (kernel threads have no memory).
package struct ProcessStatus: Equatable, Sendable {
    package var name: String
    package var parent: ProcessID
    package var threads: Int?
    package var residentBytes: Int?
    package var dataBytes: Int?
    package var cpus: CPUSet?
    package var nodes: NodeSet?
}

/// The text of `/proc/PID/status` (`proc_pid_status(5)`).
package enum ProcessStatusFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> ProcessStatus? {
        let values = KeyedLines.parse(text)
        guard let name = values["Name"], let parent = values["PPid"].flatMap({ ProcessID($0) })
        else { return nil }
        return ProcessStatus(
            name: name, parent: parent, threads: values["Threads"].flatMap { Int($0) },
            residentBytes: values["VmRSS"].flatMap(KeyedLines.bytes),
            dataBytes: values["VmData"].flatMap(KeyedLines.bytes),
            cpus: values["Cpus_allowed_list"].flatMap { CPUSet($0) },
            nodes: values["Mems_allowed_list"].flatMap { NodeSet($0) })
    }
}

/// Lines of the form `Key:   value`, as in `/proc/PID/status` and `/proc/meminfo`.
enum KeyedLines {
    static func parse(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            values[String(line[..<colon])] = String(value)
        }
        return values
    }

    /// `12 kB` in bytes; nil when it is not of that form.
    static func bytes(_ value: String) -> Int? {
        let parts = value.split(separator: " ")
        guard parts.count == 2, parts[1] == "kB", let count = Int(parts[0]), count >= 0 else {
            return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
        return overflow ? nil : bytes
    }
}

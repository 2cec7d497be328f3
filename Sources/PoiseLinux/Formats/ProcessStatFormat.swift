/// What `/proc/PID/stat` tells of a process; times in clock ticks.
package struct ProcessStat: Equatable, Sendable {
    package var pid: ProcessID
    package var name: String
    /// `R`, `S`, `D`, `Z` and so on.
    package var state: Character
    package var parent: ProcessID
    package var session: ProcessID
    package var userTicks: Int
    package var systemTicks: Int
    /// Of the children that it has waited for.
    package var childrenUserTicks: Int
    package var childrenSystemTicks: Int
    package var nice: Int
    package var threads: Int
    /// Since the machine started.
    package var startTicks: Int
    package var residentPages: Int
}

/// The text of `/proc/PID/stat` (`proc_pid_stat(5)`).
package enum ProcessStatFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> ProcessStat? {
        // The name may hold anything, spaces and parentheses too.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
            open < close,
            let pid = ProcessID(text[..<open].split(separator: " ").joined())
        else { return nil }
        let fields = text[text.index(after: close)...].split { $0 == " " || $0 == "\n" }
        guard fields.count >= 22, let state = fields[0].first, fields[0].count == 1 else {
            return nil
        }
        // By the manual's numbers: the state is field 3.
        let field = { (number: Int) in Int(fields[number - 3]) }
        guard let parent = field(4), let session = field(6), let user = field(14),
            let system = field(15), let childrenUser = field(16), let childrenSystem = field(17),
            let nice = field(19), let threads = field(20), let start = field(22),
            let resident = field(24)
        else { return nil }
        return ProcessStat(
            pid: pid, name: String(text[text.index(after: open)..<close]), state: state,
            parent: ProcessID(truncatingIfNeeded: parent),
            session: ProcessID(truncatingIfNeeded: session), userTicks: user, systemTicks: system,
            childrenUserTicks: childrenUser, childrenSystemTicks: childrenSystem, nice: nice,
            threads: threads, startTicks: start, residentPages: resident)
    }
}

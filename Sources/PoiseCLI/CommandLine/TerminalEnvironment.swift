import Glibc
import PoiseWire

/// What the terminal and the environment say about how to show things.
struct TerminalEnvironment {
    var width: Int
    var isUTF8: Bool
    var hasColours: Bool

    /// What holds for this process.
    static func current() -> TerminalEnvironment {
        TerminalEnvironment(
            isTerminal: isatty(STDOUT_FILENO) == 1, columns: columns(of: STDOUT_FILENO),
            environment: RuntimeFolder.environment)
    }

    init(isTerminal: Bool, columns: Int?, environment: (String) -> String?) {
        let named = environment("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        width = min(400, max(40, named ?? columns ?? 100))
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment)
            .first { !$0.isEmpty }
        let codeset = (locale ?? "").uppercased()
        isUTF8 = codeset.contains("UTF-8") || codeset.contains("UTF8")
        let refused = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        hasColours = isTerminal && !refused && environment("TERM") != "dumb"
    }

    /// The width of the terminal (`TIOCGWINSZ`); nil when there is none.
    private static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

import Glibc
package import PoiseModel

/// Where the command line writes to, and what can be shown there.
///
/// Standard output is collected and written by `flush()`, which tells when it could not be.
package final class Console {
    package enum Stream: Sendable { case output, errors }

    /// Columns that a line may have.
    package let width: Int
    package let glyphs: Glyphs
    package internal(set) var paint: Paint
    private let write: (Stream, [UInt8]) -> Errno?
    private var pending: [UInt8] = []
    private var showsProgress = false
    private var hasProgress = false
    private var isTerminal = false
    private var hasPage = false

    /// A console that hands its bytes to `write`, which gives nil or why it could not.
    package init(
        width: Int = 100, glyphs: Glyphs = .unicode, paint: Paint = .none,
        write: @escaping (Stream, [UInt8]) -> Errno?
    ) {
        self.width = width
        self.glyphs = glyphs
        self.paint = paint
        self.write = write
    }

    /// The process's own standard output and error (`write(2)`).
    package static func standard() -> Console {
        let environment = TerminalEnvironment.current()
        let console = Console(
            width: environment.width, glyphs: environment.isUTF8 ? .unicode : .ascii,
            paint: environment.hasColours ? .colours : .none
        ) { stream, bytes in
            writeAll(bytes, to: stream == .output ? STDOUT_FILENO : STDERR_FILENO)
        }
        console.isTerminal = isatty(STDOUT_FILENO) == 1
        console.showsProgress = isatty(STDERR_FILENO) == 1
        return console
    }

    /// Adds a line to standard output.
    package func print(_ line: String) {
        pending += Array(line.utf8)
        pending.append(10)
    }

    /// Begins a page that takes the place of the one before on a terminal; elsewhere an empty line
    /// is between two.
    package func beginPage(followsOthers: Bool) {
        if isTerminal, followsOthers {
            pending += Array("\u{1B}[H\u{1B}[2J".utf8)
        } else if hasPage {
            print("")
        }
        hasPage = true
    }

    /// Adds a JSON document to standard output.
    package func print(_ json: JSON) { print(json.pretty) }

    /// Writes a line to standard error at once.
    package func note(_ line: String) {
        _ = write(.errors, Array(PrintableText.of(line).utf8) + [10])
    }

    /// Shows how far something has come, on one line of the terminal that the next call replaces;
    /// nil takes it away. Nothing is shown where standard error is no terminal.
    package func progress(_ line: String?) {
        guard showsProgress, line != nil || hasProgress else { return }
        hasProgress = line != nil
        let text = "\r" + PrintableText.of(line ?? "") + "\u{1B}[K"
        _ = write(.errors, Array(text.utf8))
    }

    /// Writes what was printed so far.
    package func flush() throws(CommandFailure) {
        guard !pending.isEmpty else { return }
        let bytes = pending
        pending = []
        guard let error = write(.output, bytes) else { return }
        throw CommandFailure(
            .no, "writing failed on standard output: \(error) (make room, or write elsewhere)")
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Errno? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return Errno(count == 0 ? EIO : errno) }
            rest = rest.dropFirst(count)
        }
        return nil
    }
}

import PoiseCLI
import PoiseModel

/// A console whose output a test can read.
final class Capture {
    private(set) var output = ""
    private(set) var errors = ""
    let width: Int
    let glyphs: Glyphs
    /// What every write to standard output fails with.
    var failure: Errno?

    init(width: Int = 100, glyphs: Glyphs = .unicode) {
        self.width = width
        self.glyphs = glyphs
    }

    var console: Console {
        Console(width: width, glyphs: glyphs) { stream, bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            switch stream {
            case .output:
                if let failure = self.failure { return failure }
                self.output += text
            case .errors: self.errors += text
            }
            return nil
        }
    }

    func run(_ words: String...) -> ExitCode { Program.run(words, console: console) }
    func run(_ words: [String]) -> ExitCode { Program.run(words, console: console) }
}

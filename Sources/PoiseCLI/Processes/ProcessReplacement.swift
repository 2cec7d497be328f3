import Glibc
import PoiseModel

/// Turns this process into another program.
enum ProcessReplacement {
    /// Goes on as the program `words[0]`, searched in `PATH`, with the environment, folder and open
    /// files of this process; comes back only with why that could not be (`execvp(3)`).
    static func become(_ words: [String]) -> Errno {
        let strings = CStrings(words)
        guard let program = strings.pointers.first ?? nil else { return .invalid }
        execvp(program, strings.pointers)
        return Errno(errno)
    }
}

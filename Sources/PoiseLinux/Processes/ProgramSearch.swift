import Glibc
import PoiseModel

/// Finds the program that a command line names, as a shell would.
package enum ProgramSearch {
    /// `name` itself when it has a `/`, else the first program of that name in the folders of
    /// `searchPath` (`a:b:c`).
    package static func path(
        of name: String, in searchPath: String?
    ) throws(SystemError) -> String {
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let folders = searchPath ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in folders.split(separator: ":") {
            let path = "\(folder)/\(name)"
            if isProgram(path) { return path }
        }
        throw SystemError(
            "execve", on: name, .noSuchFile,
            advice: "it is in none of \(folders); give its path or install it")
    }

    private static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }
}

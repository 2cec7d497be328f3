package import PoiseModel

/// A system call that failed: what, on what, why, and where it is known what to do.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call by its C name.
    package var call: String
    /// The path, process or descriptor it was made on.
    package var subject: String
    package var errno: Errno
    /// What to do about it.
    package var advice: String?

    package init(_ call: String, on subject: String, _ errno: Errno, advice: String? = nil) {
        self.call = call
        self.subject = subject
        self.errno = errno
        self.advice = advice
    }

    package var description: String {
        "\(call) failed on \(subject): \(errno)" + (advice.map { " (\($0))" } ?? "")
    }
}

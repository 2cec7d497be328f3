import Glibc
import PoiseModel

// The one place where a system call that a signal interrupted is made again.

/// Makes a call of the C library that gives -1 and sets `errno`, again when it was interrupted.
func systemCall<Value: SignedInteger>(
    _ name: String, on subject: @autoclosure () -> String, _ call: () -> Value
) throws(SystemError) -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw failure(of: name, on: subject(), code) }
    }
}

/// Makes a call of `CLinux`, which gives `-errno`, again when it was interrupted.
func linuxCall(
    _ name: String, on subject: @autoclosure () -> String, _ call: () -> Int32
) throws(SystemError) -> Int32 {
    while true {
        let value = call()
        if value >= 0 { return value }
        if value != -EINTR { throw failure(of: name, on: subject(), -value) }
    }
}

/// As `systemCall`, but nil when the call would have to wait.
func systemCallUnlessBlocked<Value: SignedInteger>(
    _ name: String, on subject: @autoclosure () -> String, _ call: () -> Value
) throws(SystemError) -> Value? {
    do {
        return try systemCall(name, on: subject(), call)
    } catch {
        if error.errno == .tryAgain { return nil }
        throw error
    }
}

private func failure(of name: String, on subject: String, _ code: Int32) -> SystemError {
    precondition(
        code != EBADF && code != EFAULT,
        "\(name) on \(subject): \(Errno(code)) is a mistake of ours")
    return SystemError(name, on: subject, Errno(code))
}

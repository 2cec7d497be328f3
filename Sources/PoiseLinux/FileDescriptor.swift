import CLinux
import Glibc
import PoiseModel

/// An open descriptor that is closed when nobody holds it any more (`close(2)`).
package final class FileDescriptor: Sendable {
    /// The kernel's number; valid as long as this object is held.
    package let number: Int32
    /// What it is, for error texts.
    package let name: String

    /// Takes over `number`, which nobody else may close.
    package init(adopting number: Int32, name: String) {
        precondition(number >= 0, "\(name) cannot have the descriptor \(number)")
        self.number = number
        self.name = name
    }

    deinit { close(number) }

    /// Opens a file, closed on exec (`open(2)`).
    package static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(SystemError) -> FileDescriptor {
        let number = try systemCall("open", on: path) {
            Glibc.open(path, flags | O_CLOEXEC, mode)
        }
        return FileDescriptor(adopting: number, name: path)
    }

    /// Both ends of a new pipe, closed on exec; the reading end does not block (`pipe2(2)`).
    package static func pipe() throws(SystemError) -> (
        reading: FileDescriptor, writing: FileDescriptor
    ) {
        var numbers: [Int32] = [-1, -1]
        _ = try linuxCall("pipe2", on: "a new pipe") { poise_pipe(&numbers) }
        let reading = FileDescriptor(adopting: numbers[0], name: "a pipe's reading end")
        let writing = FileDescriptor(adopting: numbers[1], name: "a pipe's writing end")
        try reading.setNonBlocking()
        return (reading, writing)
    }

    /// Makes reads and writes return instead of waiting (`O_NONBLOCK`).
    package func setNonBlocking() throws(SystemError) {
        let flags = try systemCall("fcntl", on: name) { fcntl(number, F_GETFL) }
        _ = try systemCall("fcntl", on: name) { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }

    /// What one read gave.
    package enum Reading: Equatable, Sendable {
        case bytes([UInt8])
        /// Nothing there now.
        case nothing
        /// The other end is closed, or the file is at its end.
        case end
    }

    /// Reads what is there, up to `most` bytes (`read(2)`).
    package func read(atMost most: Int = 65536) throws(SystemError) -> Reading {
        var count: Int? = 0
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
            do throws(SystemError) {
                count = try systemCallUnlessBlocked("read", on: name) {
                    Glibc.read(number, buffer.baseAddress, buffer.count)
                }
                filled = count ?? 0
            } catch { failure = error }
        }
        if let failure { throw failure }
        guard let count else { return .nothing }
        return count == 0 ? .end : .bytes(bytes)
    }

    /// The whole of a file from its beginning, wherever it was read before (`pread(2)`).
    package func readWhole(atMost most: Int = 4096) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var failure: SystemError?
            let part = [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
                do throws(SystemError) {
                    filled = try systemCall("pread", on: name) {
                        pread(number, buffer.baseAddress, buffer.count, all.count)
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
            all += part
            if part.count < most { return all }
        }
    }

    /// Puts `bytes` at the beginning of a file in one call (`pwrite(2)`).
    package func writeWhole(_ bytes: [UInt8]) throws(SystemError) {
        let count = try systemCall("write", on: name) {
            bytes.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
        }
        guard count == bytes.count else { throw SystemError("write", on: name, .tryAgain) }
    }

    /// Writes some of `bytes` and gives how many; nil when nothing fits now (`write(2)`).
    package func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int? {
        try systemCallUnlessBlocked("write", on: name) {
            bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        }
    }

    /// Writes all of `bytes` to a descriptor that blocks (`write(2)`).
    package func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = try write(rest) else {
                throw SystemError("write", on: name, .tryAgain)
            }
            rest = rest.dropFirst(count)
        }
    }
}

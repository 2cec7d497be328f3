import Glibc
package import PoiseModel

/// Wakes a thread that waits in `poll(2)`: a pipe that never fills, as one byte is enough.
package final class Doorbell: Sendable {
    package let descriptor: Int32
    private let writer: Int32

    package init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(errno) }
        for end in ends {
            Descriptor.setNonBlocking(end)
            Descriptor.setCloseOnExec(end)
        }
        (descriptor, writer) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(writer)
    }

    package func ring() {
        var byte: UInt8 = 1
        _ = write(writer, &byte, 1)
    }

    /// Waits until it rings or the time is over, and takes all rings.
    package func wait(milliseconds: Int) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, Int32(clamping: milliseconds))
        silence()
    }

    package func silence() {
        var buffer = [UInt8](repeating: 0, count: 64)
        while read(descriptor, &buffer, buffer.count) > 0 {}
    }
}

enum Descriptor {
    static func setNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    static func setCloseOnExec(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    enum Outcome {
        case bytes([UInt8])
        case nothingNow
        case end
        case failed(Errno)
    }

    /// One `read(2)` of at most `most` bytes.
    static func read(_ descriptor: Int32, most: Int) -> Outcome {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            var got = -1
            repeat {
                got = Glibc.read(descriptor, buffer.baseAddress, most)
            } while got < 0
                && errno == EINTR
            if got < 0 { code = errno }
            count = max(0, got)
        }
        if code == EAGAIN { return .nothingNow }
        if code != 0 { return .failed(Errno(code)) }
        return bytes.isEmpty ? .end : .bytes(bytes)
    }
}

import Glibc
import PoiseModel
package import StreamingCore
import Synchronization

/// Writes result lines to a file of bounded size (the one before is kept as `PATH.1`), to standard
/// output, or nowhere.
///
/// What cannot be written is counted and thrown away; it is tried again.
package final class ResultOutput: Sendable {
    static let retry = Duration.seconds(1)

    private struct State {
        var descriptor: Int32 = -1
        var size = 0
        var problem: String?
        var lastTry: Instant?
        var lost = 0
    }

    private let target: StreamingConfiguration.Output
    private let mostBytes: Int
    private let state = Mutex(State())

    package init(_ target: StreamingConfiguration.Output, mostBytes: Int = 64 << 20) {
        self.target = target
        self.mostBytes = mostBytes
    }

    /// Why results cannot be written now; nil when they can.
    package var problem: String? { state.withLock { $0.problem } }

    /// Bytes of results that could not be written.
    package var lostBytes: Int { state.withLock { $0.lost } }

    package func write(_ lines: [UInt8]) {
        switch target {
        case .none: return
        case .standardOutput:
            state.withLock { state in
                state.descriptor = 1
                put(lines, &state)
            }
        case .file(let path):
            state.withLock { state in
                if state.size + lines.count > mostBytes, state.size > 0 { rotate(path, &state) }
                guard state.descriptor >= 0 || open(path, &state) else {
                    state.lost += lines.count
                    return
                }
                put(lines, &state)
            }
        }
    }

    package func close() {
        guard case .file = target else { return }
        state.withLock { state in
            if state.descriptor >= 0 { Glibc.close(state.descriptor) }
            state.descriptor = -1
        }
    }

    private func open(_ path: String, _ state: inout State) -> Bool {
        let now = SystemClock.now()
        if let last = state.lastTry, now - last < Self.retry { return false }
        state.lastTry = now
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
        let descriptor = Glibc.open(path, flags, 0o644)
        guard descriptor >= 0 else {
            state.problem = "cannot write results to \(path): \(Errno(errno)) (check output)"
            return false
        }
        var status = stat()
        state.size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        state.descriptor = descriptor
        return true
    }

    private func rotate(_ path: String, _ state: inout State) {
        if state.descriptor >= 0 { Glibc.close(state.descriptor) }
        state.descriptor = -1
        state.size = 0
        state.lastTry = nil
        if rename(path, path + ".1") != 0 {
            state.problem = "cannot move \(path) aside: \(Errno(errno)) (check its folder)"
        }
    }

    /// Writes all of it; a part that was written before an error stays.
    private func put(_ lines: [UInt8], _ state: inout State) {
        var rest = lines[...]
        while !rest.isEmpty {
            let descriptor = state.descriptor
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                state.problem = "cannot write results: \(Errno(errno)) (is the disk full?)"
                state.lost += rest.count
                if case .file = target { Glibc.close(descriptor) }
                state.descriptor = -1
                state.lastTry = SystemClock.now()
                return
            }
            state.size += count
            rest = rest.dropFirst(count)
        }
        state.problem = nil
    }
}

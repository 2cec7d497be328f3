import PoiseLinux
import PoiseModel
import PoiseWire

/// What a feature's processes print: read from a pipe, kept in a bounded file, never allowed to
/// cost more than its share.
///
/// What its `TrafficLimit` lets through is kept; what is beyond is read and thrown away, and when
/// even that gets too much, nothing is read until the next tick, so that the printer waits.
struct FeatureOutput: ~Copyable {
    private static let readPerTick = 4 << 20

    let pipe: FileDescriptor
    private var log: RotatingLog
    private var line: [UInt8] = []
    private var gate = TrafficGate(.of(.outputBytes), now: MonotonicClock.now)
    private var readSinceTick = 0
    /// Bytes thrown away, ever.
    private(set) var lostBytes = 0

    init(pipe: FileDescriptor, log path: String) {
        self.pipe = pipe
        log = RotatingLog(path, limitBytes: 1 << 20)
    }

    /// What reading came to.
    enum Progress { case open, closed, paused }

    /// Reads what is there now.
    mutating func read() -> Progress {
        while true {
            guard readSinceTick < FeatureOutput.readPerTick else { return .paused }
            do throws(SystemError) {
                switch try pipe.read() {
                case .bytes(let bytes):
                    readSinceTick += bytes.count
                    keep(bytes)
                case .nothing: return .open
                case .end: return .closed
                }
            } catch {
                log.append("poised: \(error)")
                return .closed
            }
        }
    }

    /// Opens the budget again; true when reading had been paused.
    mutating func tick() -> Bool {
        let wasPaused = readSinceTick >= FeatureOutput.readPerTick
        readSinceTick = 0
        return wasPaused
    }

    /// Keeps only so many per cent of what it otherwise would.
    mutating func limit(percent: Int) { gate.limit(percent: percent, now: MonotonicClock.now) }

    /// Writes what is left of a last line.
    mutating func finish() {
        guard !line.isEmpty else { return }
        log.append(String(decoding: line, as: UTF8.self))
        line = []
    }

    mutating func takeFailure() -> SystemError? { log.takeFailure() }

    mutating func append(_ text: String) { log.append(text) }

    private mutating func keep(_ bytes: [UInt8]) {
        let room = gate.take(upTo: bytes.count, now: MonotonicClock.now)
        lostBytes += bytes.count - room
        for byte in bytes.prefix(room) {
            if byte == UInt8(ascii: "\n") || line.count >= 4096 {
                log.append(String(decoding: line, as: UTF8.self))
                line.removeAll(keepingCapacity: true)
            }
            if byte != UInt8(ascii: "\n") { line.append(byte) }
        }
    }
}

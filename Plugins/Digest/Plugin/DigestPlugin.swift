// The digest feature: receives what streaming publishes, counts it exactly once, and writes a
// digest of it. The counting is in DigestCore; here it meets the host.

import DigestCore
import Glibc
import PoiseModel
public import PoisePlugin
import Synchronization

/// The plugin `digest`.
public final class DigestPlugin: Plugin {
    /// The name that policies use.
    public static let name = "digest"
    /// The plugin's own version.
    public static let version = "0.1.0"

    private struct Life {
        var digest: Digest
        var counts: [(from: String, counts: DigestCounts)] = []
        var problem: String?
        var isReading = false
        var meter = Meter()
    }

    /// Messages since the last report.
    private struct Meter {
        var messages = 0
        var since = ContinuousClock.now
    }

    private let host: Host
    private let file: DigestFile
    private let pool: WorkerPool
    private let life: Mutex<Life>
    private let ends = Atomic(false)

    /// Checks the configuration; see `DigestConfiguration` for what it may say.
    public init(host: Host, config: JSON) throws(PluginError) {
        let configuration: DigestConfiguration
        do throws(DigestConfiguration.Mistake) {
            configuration = try DigestConfiguration(config)
        } catch {
            throw PluginError.configuration(error.description)
        }
        self.host = host
        file = DigestFile("\(host.stateFolder)/\(configuration.file)")
        pool = WorkerPool(name: "digest", allocation: host.allocation)
        life = Mutex(Life(digest: Digest(burst: configuration.burst)))
    }

    /// Begins to receive.
    public func start() throws(PluginError) {
        guard host.bus.isAvailable else {
            throw .environment("this poise-host has no bus (install a newer one)")
        }
        life.withLock { $0.isReading = true }
        pool.submit { [self] in read() }
    }

    /// Lets the worker follow the allocation.
    public func apply(_ allocation: Allocation) { pool.follow(allocation) }

    /// Takes what has come, writes it down, and ends.
    public func drain(within time: Duration) {
        ends.store(true, ordering: .releasing)
        host.bus.wake()
        if !pool.drain(within: time) { host.log(.warning, "the last messages were not counted") }
    }

    /// Ends the worker.
    public func stop() {
        ends.store(true, ordering: .releasing)
        host.bus.wake()
        pool.stop()
    }

    /// Degraded when the digest cannot be written.
    public var health: Health {
        life.withLock { life in
            if let problem = life.problem { return .degraded(problem) }
            return life.isReading || ends.load(ordering: .relaxed)
                ? .good : .failing("it does not receive any more")
        }
    }

    /// What came since the last report, and the sums.
    public func report() -> Report {
        let now = ContinuousClock.now
        return life.withLock { life in
            var report = Report()
            let seconds = (now - life.meter.since) / .seconds(1)
            if seconds > 0 { report.throughputPerSecond = Double(life.meter.messages) / seconds }
            life.meter = Meter(messages: 0, since: now)
            report.errors = life.counts.reduce(0) { $0 + Int(clamping: $1.counts.unreadable) }
            report.gauges = [
                ("received", Double(life.digest.received)),
                ("anomalies", Double(life.digest.receivedAnomalies)),
                ("counted", life.counts.reduce(0.0) { $0 + Double($1.counts.messages) }),
                ("sources", Double(life.counts.count)),
            ]
            if let end = life.digest.newestEnd {
                report.gauges.append(("behind_seconds", DigestPlugin.behind(end)))
            }
            return report
        }
    }

    /// How long ago the newest window that came has ended.
    private static func behind(_ end: Int) -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return max(0, Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 - Double(end) / 1e6)
    }
}

extension DigestPlugin {
    private static let pause = Duration.milliseconds(250)

    private func read() {
        var reader = ExactlyOnceReader(host.bus, initial: DigestCounts())
        let (windows, anomalies) = (host.bus.topic("windows"), host.bus.topic("anomalies"))
        var written = ContinuousClock.now
        while true {
            let isLast = ends.load(ordering: .acquiring)
            do throws(BusFailure) {
                try reader.read(within: isLast ? .zero : DigestPlugin.pause) { message, counts in
                    let read = message.withBytes { bytes -> StreamingMessage? in
                        switch message.topic {
                        case windows: StreamingMessage.window(bytes)
                        case anomalies: StreamingMessage.anomaly(bytes)
                        default: nil
                        }
                    }
                    counts.add(read)
                    take(read, from: message.from)
                }
            } catch {
                host.log(.error, "receiving failed: \(error)")
                break
            }
            let states = reader.states.map { (from: $0.from, counts: $0.state) }
            life.withLock { $0.counts = states }
            let now = ContinuousClock.now
            guard isLast || now - written >= .seconds(1) else { continue }
            written = now
            write()
            if isLast { break }
        }
        life.withLock { $0.isReading = false }
    }

    private func take(_ message: StreamingMessage?, from: String) {
        let now = Instant.now
        let burst = life.withLock { life -> Int? in
            life.meter.messages += 1
            return life.digest.take(message, from: from, at: now)
                ? life.digest.recentAnomalies(at: now) : nil
        }
        if let burst {
            host.event("anomaly-burst", ["count": "\(burst)", "from": from])
        }
    }

    private func write() {
        guard let text = life.withLock({ $0.digest.unwritten($0.counts) }) else { return }
        var problem: String?
        do throws(Errno) {
            try file.write(text)
        } catch {
            problem = "writing the digest failed on \(file.path): \(error) (is the disk full?)"
        }
        let isNew = life.withLock { life in
            defer { life.problem = problem }
            return life.problem != problem
        }
        if isNew { host.log(problem == nil ? .info : .error, problem ?? "it is written again") }
    }
}

extension Instant {
    /// This moment on the monotonic clock. `clock_gettime(2)`.
    fileprivate static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }
}

import PoiseModel
import PoisePlugin
import StreamingCore
import Synchronization

/// Tells the host of anomalies, five a second at most; all of them are counted and, where results
/// are written, in the results.
final class AnomalyTeller: Sendable {
    private let host: Host
    private let bucket: Mutex<Pacer>

    init(host: Host) {
        self.host = host
        bucket = Mutex(Pacer(rate: 5, burst: 10, at: SystemClock.now()))
    }

    func tell(_ anomaly: Anomaly) {
        let now = SystemClock.now()
        guard bucket.withLock({ $0.take(upTo: 1, at: now) }) == 1 else { return }
        host.event(
            "anomaly",
            [
                "key": anomaly.key, "time": anomaly.time.description, "value": "\(anomaly.value)",
                "score": "\(anomaly.score)",
            ])
    }
}

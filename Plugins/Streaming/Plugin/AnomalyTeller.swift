import PoiseModel
import PoisePlugin
import StreamingCore
import Synchronization

/// Tells the host of anomalies, one in two seconds in the long run; all of them are counted and,
/// where results are written, in the results.
final class AnomalyTeller: Sendable {
    private let host: Host
    private let bucket: Mutex<Pacer>

    init(host: Host) {
        self.host = host
        bucket = Mutex(Pacer(rate: 0.5, burst: 3, at: SystemClock.now()))
    }

    func tell(_ anomaly: Anomaly) {
        let now = SystemClock.now()
        guard bucket.withLock({ $0.take(upTo: 1, at: now) }) == 1 else { return }
        host.event(
            "anomaly",
            [
                "key": anomaly.key, "time": anomaly.time.description,
                "value": QuantityText.decimal(anomaly.value, digits: 3),
                "score": QuantityText.decimal(anomaly.score, digits: 5),
            ])
    }
}

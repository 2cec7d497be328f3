import PoiseModel
import PoisePlugin
import StreamingCore
import Synchronization

/// Publishes closed windows (topic `windows`) and anomalies (topic `anomalies`, with priority) for
/// other features, where a route takes them; `ResultMessage` says what is in them.
///
/// What streaming is for goes on when a receiver is slow: after a message that found no room within
/// its route's time none is tried for a while. What was not sent for that reason is counted.
final class BusTeller: Sendable {
    static let pause = Duration.seconds(1)

    private let bus: Bus
    private let windows: Bus.Topic
    private let anomalies: Bus.Topic
    /// Monotonic nanoseconds before which nothing is sent.
    private let resumes = Atomic(0)
    let sent = Atomic(0)
    let unsent = Atomic(0)

    init(bus: Bus) {
        self.bus = bus
        windows = bus.topic("windows")
        anomalies = bus.topic("anomalies")
    }

    /// Sends windows, one behind the other as `ResultMessage` has them.
    func tell(windows bytes: [UInt8]) {
        guard bus.isAvailable, !bytes.isEmpty else { return }
        ResultMessage.cutWindows(bytes) { send(windows, .normal, Array($0), stages: true) }
        bus.publish()
    }

    func tell(_ anomaly: Anomaly) {
        guard bus.isAvailable else { return }
        send(anomalies, .high, ResultMessage.anomaly(anomaly), stages: false)
    }

    private func send(_ topic: Bus.Topic, _ priority: Bus.Priority, _ bytes: [UInt8], stages: Bool)
    {
        let now = SystemClock.now()
        guard now.nanoseconds >= resumes.load(ordering: .relaxed) else {
            unsent.add(1, ordering: .relaxed)
            return
        }
        do throws(BusFailure) {
            var message = try bus.reserve(topic, bytes: bytes.count, priority: priority)
            message.copy(bytes.span.bytes)
            if stages { try message.stage() } else { try message.send() }
            sent.add(1, ordering: .relaxed)
        } catch {
            // Nobody wants it: nothing is lost.
            if error == .noRoute || error == .unavailable { return }
            unsent.add(1, ordering: .relaxed)
            if error == .full {
                resumes.store((now + BusTeller.pause).nanoseconds, ordering: .relaxed)
            }
        }
    }
}

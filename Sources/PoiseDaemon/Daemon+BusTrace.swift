import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Callers that follow a topic.
extension Daemon {
    private static let traceEvery = Duration.milliseconds(20)
    /// So many messages of a link are shown each time, and of all: a reply has its limit.
    private static let mostAtOnce = 100
    private static let mostOfAll = 1000

    /// Looks from the next message on at each link that may carry the topic.
    func observeLinks(of trace: inout BusTrace) {
        let routes = Set(
            engine.given.bus.routes.filter { $0.topics.contains(trace.topic) }.map(\.name))
        let links = featureBus.plan.links.filter { routes.contains($0.route) && !$0.isShared }
        for link in links {
            guard let files = featureBus.store.links[link.name],
                trace.observers[link.name]?.incarnation != files.incarnation
            else { continue }
            do throws(BusError) {
                let observer = try RingObserver(
                    producer: files.producer.number, consumer: files.consumer.number,
                    layout: files.layout, dropsOldest: link.full.overwrites)
                trace.observers[link.name] = (files.incarnation, observer)
            } catch {
                sayOnce(nil, "\(link.name) cannot be followed: \(error)")
            }
        }
        let names = Set(links.map(\.name))
        for name in trace.observers.keys where !names.contains(name) { trace.observers[name] = nil }
    }

    /// Tells callers what has passed since the last time.
    func followTopics() {
        let bus = featureBus
        guard !bus.traces.isEmpty, bus.traceDue <= MonotonicClock.now else { return }
        bus.traceDue = MonotonicClock.now + Daemon.traceEvery
        for token in bus.traces.keys.sorted() {
            guard let connection = server.connections[token], var trace = bus.traces[token] else {
                bus.traces[token] = nil
                continue
            }
            // A slow reader sees less; what it did not see is counted as a gap.
            if connection.hasUnsent { continue }
            observeLinks(of: &trace)
            let reply = look(&trace)
            bus.traces[token] = trace.left == 0 ? nil : trace
            guard let reply else { continue }
            connection.heardAt = MonotonicClock.now
            if !connection.queue(reply) { connection.isLast = true }
            settle(token, connection, hungUp: false)
        }
    }

    /// Nil when nothing has passed.
    private func look(_ trace: inout BusTrace) -> ControlReply? {
        let (number, wall) = (trace.number, wallNow)
        let now = Double(MonotonicClock.now.nanoseconds) / 1e9
        var messages: [JSON] = []
        var missed: UInt64 = 0
        for name in trace.observers.keys.sorted() {
            guard var observer = trace.observers[name]?.observer,
                let link = featureBus.plan[link: name]
            else { continue }
            let before = observer.missed
            let most = min(
                trace.left ?? .max, Daemon.mostAtOnce, Daemon.mostOfAll - messages.count)
            do throws(BusError) {
                for message in try observer.follow(
                    most: most, firstBytes: trace.payloadBytes, isWanted: { $0 == number })
                {
                    let sent = message.sentNanoseconds.map { Double($0) / 1e9 } ?? now
                    messages.append(
                        BusTrace.json(message, of: link, wallSeconds: wall - now + sent))
                }
            } catch {
                // Who reads there tells of it; what is looked at here matters to nobody.
                trace.observers[name] = nil
                continue
            }
            missed += observer.missed - before
            trace.observers[name]?.observer = observer
        }
        guard !messages.isEmpty || missed > 0 else { return nil }
        if let left = trace.left {
            messages = Array(messages.prefix(left))
            trace.left = left - messages.count
        }
        return ControlReply(
            ["messages": .array(messages), "missed": .integer(Int(clamping: missed))],
            continues: trace.left != 0)
    }
}

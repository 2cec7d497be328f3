package import PoiseModel

/// Makes rates of counters that only grow: utilisation of the workers and events a second, over the
/// last stretch of at least `stretch`.
package struct LoadMeter: Sendable {
    private struct Reading: Sendable {
        var time: Instant
        var busy: Duration
        var events: Int
    }

    package static let stretch = Duration.milliseconds(200)

    private var last: Reading?
    /// 0…1 of the workers' time; nil before the first stretch is over.
    package private(set) var utilisation: Double?
    package private(set) var eventsPerSecond: Double?

    package init() {}

    /// Takes what has been counted so far; true when a stretch is over and the rates are new.
    package mutating func take(busy: Duration, events: Int, workers: Int, at now: Instant) -> Bool {
        guard let before = last else {
            last = Reading(time: now, busy: busy, events: events)
            return false
        }
        let time = now - before.time
        guard time >= Self.stretch else { return false }
        let possible = time.inSeconds * Double(max(1, workers))
        utilisation = min(1, max(0, (busy - before.busy).inSeconds / possible))
        eventsPerSecond = Double(events - before.events) / time.inSeconds
        last = Reading(time: now, busy: busy, events: events)
        return true
    }
}

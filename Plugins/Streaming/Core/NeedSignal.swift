package import PoiseModel

/// Decides when to ask for one worker more than there is, and when to take that back.
///
/// Quiet: nothing is asked. It becomes *asking* when utilisation has been above `high` for `rise`,
/// or the queue has grown at every look for `rise` while workers were not mostly idle. Asking: the
/// need is renewed before it runs out, and goes one further when what was asked for has come and
/// the pressure still lasts for `rise`; it is taken back when utilisation has been below `low` for
/// `fall`.
package struct NeedSignal: Sendable {
    package static let high = 0.85
    package static let low = 0.5
    package static let rise = Duration.milliseconds(200)
    package static let fall = Duration.seconds(2)
    /// How long a need is asked for at a time; renewed at half of it.
    package static let validity = Duration.seconds(5)

    package enum Change: Sendable, Equatable {
        /// Ask for so many workers in all, for `validity`.
        case ask(workers: Int)
        case takeBack
    }

    private let most: Int
    private var asked: Int?
    private var askedAt: Instant?
    private var pressedSince: Instant?
    private var quietSince: Instant?
    private var lastQueue = 0

    /// `most` workers are all that can be of use.
    package init(most: Int) { self.most = most }

    /// Looks once at the load: utilisation of the workers (0…1), what waits, how many workers.
    package mutating func look(
        utilisation: Double, queued: Int, workers: Int, at now: Instant
    ) -> Change? {
        let growing = queued > lastQueue && utilisation > Self.low
        lastQueue = queued
        if utilisation > Self.high || growing {
            pressedSince = pressedSince ?? now
        } else {
            pressedSince = nil
        }
        quietSince = utilisation < Self.low ? quietSince ?? now : nil
        if asked != nil, lasted(quietSince, Self.fall, now) {
            asked = nil
            quietSince = nil
            return .takeBack
        }
        return rise(workers: workers, now) ?? renew(now)
    }

    private mutating func rise(workers: Int, _ now: Instant) -> Change? {
        guard lasted(pressedSince, Self.rise, now) else { return nil }
        let wanted = min(workers + 1, most)
        guard wanted > (asked ?? workers) else { return nil }
        pressedSince = now
        return ask(wanted, now)
    }

    private mutating func renew(_ now: Instant) -> Change? {
        guard let asked, lasted(askedAt, Self.validity / 2, now) else { return nil }
        return ask(asked, now)
    }

    private mutating func ask(_ workers: Int, _ now: Instant) -> Change {
        asked = workers
        askedAt = now
        return .ask(workers: workers)
    }

    private func lasted(_ since: Instant?, _ time: Duration, _ now: Instant) -> Bool {
        guard let since else { return false }
        return now - since >= time
    }
}

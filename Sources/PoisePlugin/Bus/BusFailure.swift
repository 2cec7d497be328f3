import PluginABI

/// Why something on the bus could not be done.
public enum BusFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// No route takes this topic from this feature.
    case noRoute
    /// No room within the route's time: the message was not sent.
    case full
    /// No room, and the route drops what has none: it was counted.
    case dropped
    /// Longer than the route has room for.
    case tooLong
    /// This thread has a message reserved that goes the same way, or another thread receives.
    case busy
    /// No link leads back from who is asked.
    case noWayBack
    /// The link was taken away, or its memory is damaged.
    case gone
    /// The reply has not come by the deadline, or nobody waits for this one any more.
    case late
    /// This host has no bus.
    case unavailable
    /// An argument cannot be.
    case wrong

    /// What it is, for people.
    public var description: String {
        switch self {
        case .noRoute: "no route takes this topic from this feature (see bus in the policy)"
        case .full: "there was no room for the message in time (is the receiver too slow?)"
        case .dropped: "there was no room for the message, and its route drops such"
        case .tooLong: "the message is longer than its route has room for (see ring and arena)"
        case .busy: "this thread has a message reserved already, or another thread receives"
        case .noWayBack: "no route leads back from who is asked (see bus in the policy)"
        case .gone: "the link was taken away or is damaged"
        case .late: "the reply has not come in time"
        case .unavailable: "this poise-host has no bus (it is older than ABI 1.2)"
        case .wrong: "an argument cannot be"
        }
    }

    init(_ code: Int32) {
        self =
            switch code {
            case POISE_BUS_NO_ROUTE: .noRoute
            case POISE_BUS_FULL: .full
            case POISE_BUS_DROPPED: .dropped
            case POISE_BUS_TOO_LONG: .tooLong
            case POISE_BUS_BUSY: .busy
            case POISE_BUS_NO_WAY_BACK: .noWayBack
            case POISE_BUS_GONE: .gone
            case POISE_BUS_LATE: .late
            default: .wrong
            }
    }

    static func check(_ code: Int32) throws(BusFailure) {
        guard code == POISE_BUS_DONE else { throw BusFailure(code) }
    }
}

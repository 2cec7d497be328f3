/// Why a message was not sent.
package enum SendFailure: Error, Sendable, Equatable {
    /// No route takes this topic, or none of its links is here.
    case noRoute
    /// No room within the route's time; the sender still has its message.
    case full
    /// No room, and the route drops what has none; it was counted.
    case dropped
    /// Longer than a ring has room for.
    case tooLong(most: Int)
    /// This thread has a message reserved that goes by the same link.
    case busy
    /// No link leads back from who gets it.
    case noWayBack
    /// All links it would go by are damaged or were taken away.
    case gone
    /// The deadline of the request has passed.
    case late
}

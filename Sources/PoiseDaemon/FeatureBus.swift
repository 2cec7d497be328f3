import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel

/// What the daemon has of the bus between features.
final class FeatureBus {
    var store: BusStore
    var book = BusBook()
    /// As it was last made; of an earlier daemon at first.
    var plan = BusPlan()
    /// The links there are, as `plan` or an earlier daemon knew them.
    var existing: [BusLink] = []
    /// Those that the next daemon would be told of.
    var leftLinks: [BusLink] = []
    /// Whether something has changed that the bus depends on.
    var isDirty = true
    /// When it is looked at even if nothing changes: a socket had no room, or a link is to be empty
    /// soon.
    var due: Instant?
    /// When a host's word of damage that nobody else can see was last believed.
    var believedAt: [FeatureID: Instant] = [:]
    /// Of shared rings, by name: numbers of writers that may have ended in the middle of a message.
    var orphans: [String: Set<Int>] = [:]
    /// Links that are to be made anew, and when.
    var damaged: [String: Instant] = [:]
    /// When a link was last made anew.
    var rebuiltAt: [String: Instant] = [:]
    /// How long until links that drain are looked at again; longer each time.
    var drainPause = FeatureBus.shortestPause
    static let shortestPause = Duration.milliseconds(20)
    static let longestPause = Duration.seconds(1)
    /// What could not be told to a host, so that it is said once.
    var refused: Set<String> = []
    /// Callers that follow a topic, by their connection.
    var traces: [UInt64: BusTrace] = [:]
    /// When they are followed again.
    var traceDue = Instant(nanoseconds: 0)

    init(_ store: BusStore) { self.store = store }

    /// When it is to be looked at next.
    var nextMoment: Instant? {
        [due, traces.isEmpty ? nil : traceDue].compactMap { $0 }.min()
    }

    /// One with nothing to do costs nothing.
    func isIdle(_ policy: BusPolicy) -> Bool {
        policy.routes.isEmpty && store.links.isEmpty && store.arenas.isEmpty && book.isEmpty
    }
}

import PoiseBus
import PoiseModel

/// What a file of the bus is called in systemd's store: its name tells all that a later daemon has
/// to know of it.
///
/// `busProducer.3.262144.work=feeder>reader` is what the producer writes of the third incarnation
/// of the link `work:feeder>reader`; a stored name has no colon.
struct BusFileName: Hashable {
    enum Kind: String, CaseIterable {
        /// What a link's producer writes.
        case producer = "busProducer"
        /// What a link's consumer writes.
        case consumer = "busConsumer"
        /// The arena of a feature.
        case arena = "busArena"
    }

    var kind: Kind
    var incarnation: Int
    /// Bytes of one lane's ring, or of an arena.
    var bytes: Int
    /// The link's name, or the feature's.
    var subject: String

    init(_ kind: Kind, incarnation: Int, bytes: Int, subject: String) {
        self.kind = kind
        self.incarnation = incarnation
        self.bytes = bytes
        self.subject = subject
    }

    /// Nil when it is none.
    init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let kind = Kind(rawValue: String(parts[0])),
            let incarnation = Int(parts[1]), let bytes = Int(parts[2]), incarnation >= 0, bytes > 0,
            !parts[3].isEmpty
        else { return nil }
        // A route's and a feature's name have neither.
        let subject = String(parts[3].map { $0 == "=" ? ":" : $0 })
        self.init(kind, incarnation: incarnation, bytes: bytes, subject: subject)
    }

    var text: String {
        let subject = String(subject.map { $0 == ":" ? "=" : $0 })
        return "\(kind.rawValue).\(incarnation).\(bytes).\(subject)"
    }
}

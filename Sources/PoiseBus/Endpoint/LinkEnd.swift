package import PoiseModel

/// One end of a link, as a process is told of it.
package struct LinkEnd: Sendable, Equatable {
    /// The link's name, `ROUTE:PRODUCER>CONSUMER`.
    package var link: String
    package var route: String
    /// Who is at the other end.
    package var peer: FeatureID
    package var layout: LinkLayout
    package var full: FullRing
    package var wait: BusWait
    /// Whether this is an end of a ring that many producers share.
    package var sharing: Sharing

    package enum Sharing: Sendable, Equatable {
        /// One producer, one consumer.
        case none
        /// This process is one of the producers, of this number.
        case writer(Int)
        /// This process reads what these write, by number.
        case reader([Int: FeatureID])
    }

    package init(
        link: String, route: String, peer: FeatureID, layout: LinkLayout, full: FullRing,
        wait: BusWait, sharing: Sharing = .none
    ) {
        self.link = link
        self.route = route
        self.peer = peer
        self.layout = layout
        self.full = full
        self.wait = wait
        self.sharing = sharing
    }

    /// Who may be at the other end.
    var peers: [FeatureID] {
        if case .reader(let writers) = sharing { Array(writers.values) } else { [peer] }
    }

    /// The sizes of a link's files: what is written by its producers, and by its consumer.
    package var fileBytes: (producer: Int, consumer: Int) {
        guard sharing != .none else { return (layout.producerFileBytes, layout.consumerFileBytes) }
        let shared = SharedLayout(ringBytes: layout.ringBytes)
        return (shared.dataFileBytes, shared.consumerFileBytes)
    }

    var dropsOldest: Bool { full == .dropOldest }
}

/// Where messages of a topic go, as a process is told of it.
package struct RoutingRow: Sendable, Equatable {
    package struct Destination: Sendable, Equatable {
        package var link: String
        /// Of the sum of all shares; 0 adds nothing to what lies there.
        package var share: Int

        package init(link: String, share: Int) {
            self.link = link
            self.share = share
        }
    }

    package var topics: [String]
    /// Each gets a copy, at one of its destinations; with `any`, one of all destinations gets the
    /// message.
    package var members: [[Destination]]
    package var delivery: BusDelivery

    package init(topics: [String], members: [[Destination]], delivery: BusDelivery) {
        self.topics = topics
        self.members = members
        self.delivery = delivery
    }
}

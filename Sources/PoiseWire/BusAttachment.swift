package import PoiseModel

/// One end of a link that a host gets descriptors of: the producer's file, then the consumer's,
/// then the producer's arena where it has one.
package struct BusAttachment: Sendable, Equatable {
    package enum Role: String, Sendable, CaseIterable {
        /// It writes messages.
        case producer
        /// It reads them.
        case consumer
    }

    /// The link's name, `ROUTE:PRODUCER>CONSUMER`.
    package var link: String
    /// Goes up when the ring was made anew after damage.
    package var incarnation: Int
    package var role: Role
    package var route: String
    /// Who is at the other end.
    package var peer: FeatureID
    package var ringBytes: Int
    package var full: FullRing
    package var wait: BusWait
    /// Whether many producers write into this one ring.
    package var isShared: Bool
    /// Of a producer of a shared ring: which of the many it is.
    package var producerIndex: Int?
    /// What the consumer of a shared ring is told of who writes there; else empty.
    package var writers: [Writer]
    /// The producer's memory for long messages, whose descriptor comes third; 0: it has none.
    package var arenaBytes: Int

    /// One of the producers of a shared ring, by the number that stands in its messages.
    package struct Writer: Sendable, Equatable {
        package var index: Int
        package var feature: FeatureID

        package init(index: Int, feature: FeatureID) {
            self.index = index
            self.feature = feature
        }
    }

    package init(
        link: String, incarnation: Int, role: Role, route: String, peer: FeatureID, ringBytes: Int,
        full: FullRing, wait: BusWait, producerIndex: Int?, arenaBytes: Int = 0,
        isShared: Bool = false, writers: [Writer] = []
    ) {
        self.link = link
        self.incarnation = incarnation
        self.role = role
        self.route = route
        self.peer = peer
        self.ringBytes = ringBytes
        self.full = full
        self.wait = wait
        self.producerIndex = producerIndex
        self.arenaBytes = arenaBytes
        self.isShared = isShared
        self.writers = writers
    }
}

/// Where a host sends what; which links those are it was told before.
package struct BusTable: Sendable, Equatable {
    package struct Destination: Sendable, Equatable {
        package var link: String
        /// Of messages that go to one of several: how many of the sum of all shares come here. 0
        /// keeps what lies there and adds nothing.
        package var share: Int

        package init(link: String, share: Int) {
            self.link = link
            self.share = share
        }
    }

    package struct Row: Sendable, Equatable {
        package var route: String
        package var topics: [String]
        /// Each member gets a copy of each message; within a member, one destination by share (a
        /// feature and its canary).
        package var members: [[Destination]]
        package var delivery: BusDelivery

        package init(
            route: String, topics: [String], members: [[Destination]], delivery: BusDelivery
        ) {
            self.route = route
            self.topics = topics
            self.members = members
            self.delivery = delivery
        }
    }

    package var generation: Int
    package var rows: [Row]

    package init(generation: Int, rows: [Row]) {
        self.generation = generation
        self.rows = rows
    }
}

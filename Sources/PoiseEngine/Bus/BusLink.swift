package import PoiseModel

/// One ring set between who writes and who reads, as it must exist.
///
/// Its name says what it was made for, `ROUTE:PRODUCER>CONSUMER` (`*` is the producer of a shared
/// ring), and stays when somebody else reads it.
package struct BusLink: Sendable, Equatable, Codable {
    /// One of those whose messages are in it.
    package struct Producer: Sendable, Equatable, Codable {
        package var feature: FeatureID
        /// Stands in its messages, below `BusRoute.mostWriters`. It keeps its number while it is
        /// away.
        package var index: Int
        /// False: it writes no more, and only what it has written counts.
        package var writes: Bool

        package init(feature: FeatureID, index: Int, writes: Bool = true) {
            self.feature = feature
            self.index = index
            self.writes = writes
        }
    }

    /// `ROUTE:PRODUCER>CONSUMER`.
    package let name: String
    package let route: String
    /// Whether all senders write into this one ring.
    package let isShared: Bool
    /// Exactly one, of index 0, unless the ring is shared; in the order of their indexes.
    package var producers: [Producer]
    /// For whom it was made.
    package let addressee: FeatureID
    /// Who reads it: the addressee, or who has inherited what lies in it.
    package var consumer: FeatureID
    /// One lane.
    package var ringBytes: Int
    package var full: FullRing
    package var wait: BusWait
    /// The memory node of who reads, by the kernel's number; nil when nothing is known or there is
    /// only one.
    package var node: Int?

    package init(
        route: String, isShared: Bool, producers: [Producer], addressee: FeatureID,
        consumer: FeatureID, ringBytes: Int, full: FullRing, wait: BusWait, node: Int?
    ) {
        name = BusLink.name(
            route: route, producer: isShared ? nil : producers.first?.feature, addressee: addressee)
        self.route = route
        self.isShared = isShared
        self.producers = producers
        self.addressee = addressee
        self.consumer = consumer
        self.ringBytes = ringBytes
        self.full = full
        self.wait = wait
        self.node = node
    }

    /// - Parameter producer: nil for a shared ring.
    package static func name(
        route: String, producer: FeatureID?, addressee: FeatureID
    ) -> String {
        "\(route):\(producer?.name ?? "*")>\(addressee.name)"
    }

    /// Whether a link of this name is a shared ring: no feature is called `*`.
    package static func isShared(_ name: String) -> Bool {
        name.split(separator: ":", maxSplits: 1).last?.hasPrefix("*>") ?? false
    }

    /// Nobody writes into it any more: it is read until it is empty, and then goes.
    package var isDraining: Bool { !producers.contains(where: \.writes) }

    /// What a producer's host is told as its number; nil when the ring has one producer, or when
    /// `feature` is none of them.
    package func producerIndex(of feature: FeatureID) -> Int? {
        isShared ? producers.first { $0.feature == feature }?.index : nil
    }

    /// Whether the memory made for one can serve as the other: only what both sides can be told
    /// anew differs.
    package func hasRing(of other: BusLink) -> Bool {
        name == other.name && ringBytes == other.ringBytes
            && full.overwrites == other.full.overwrites
    }
}

extension BusLink: SelfChecking {
    package var contradiction: String? {
        let producer = isShared ? nil : producers.first?.feature
        guard name == BusLink.name(route: route, producer: producer, addressee: addressee) else {
            return "a link is not called \(name)"
        }
        guard BusRoute.ringRange.contains(ringBytes), ringBytes.nonzeroBitCount == 1 else {
            return "a ring cannot have \(ringBytes) bytes"
        }
        let numbers = producers.map(\.index)
        guard isShared || numbers == [0], numbers.allSatisfy((0..<BusRoute.mostWriters).contains),
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
        else { return "its senders cannot have the numbers \(numbers)" }
        return (0...1 << 16).contains(node ?? 0) ? nil : "a node cannot be \(node ?? 0)"
    }
}

extension FullRing {
    /// Whether the producer writes over what was not read, which the reader must reckon with.
    package var overwrites: Bool { self == .dropOldest }
}

/// The shared memory of one feature for messages too long for a ring, and who reads there.
package struct BusArena: Sendable, Equatable, Codable {
    package var owner: FeatureID
    /// In the order of their names.
    package var readers: [FeatureID]

    package init(owner: FeatureID, readers: [FeatureID]) {
        self.owner = owner
        self.readers = readers
    }
}

/// A new version beside its feature, and how much goes to it.
package struct BusCanary: Sendable, Equatable, Codable {
    package var feature: FeatureID
    package var canary: FeatureID
    /// Per cent of the feature's messages, while both run.
    package var share: Int

    package init(feature: FeatureID, canary: FeatureID, share: Int) {
        self.feature = feature
        self.canary = canary
        self.share = share
    }
}

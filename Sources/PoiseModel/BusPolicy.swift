/// What features say to each other over shared memory, as the policy has it.
package struct BusPolicy: Sendable, Equatable, Codable {
    /// Shared memory of each feature that sends, for messages too long for a ring; 0 is none.
    package var arenaBytes: Int
    /// What an arena may have, when there is one.
    package static let arenaRange = (1 << 20)...(16 << 30)
    /// In the order of their names.
    package var routes: [BusRoute]

    package init(arenaBytes: Int = 64 << 20, routes: [BusRoute] = []) {
        self.arenaBytes = arenaBytes
        self.routes = routes.sorted { $0.name < $1.name }
    }
}

/// One row of the routing table: who may say what to whom, and what happens when a ring is full.
package struct BusRoute: Sendable, Equatable, Codable {
    package var name: String
    /// The topics that go this way.
    package var topics: [String]
    /// Who may send; empty is every feature.
    package var from: [FeatureID]
    /// Who receives; empty is every feature but the sender.
    package var to: [FeatureID]
    package var delivery: BusDelivery
    package var preference: BusPreference
    package var full: FullRing
    /// One lane of one ring, a power of two.
    package var ringBytes: Int
    /// Smallest and largest lane.
    package static let ringRange = (4 << 10)...(64 << 20)
    /// How who receives waits.
    package var wait: BusWait
    /// Whether all senders write into one ring instead of one each.
    package var isShared: Bool
    /// A shared ring tells so many writers apart.
    package static let mostWriters = 64
    /// So many senders share a ring at most: half of its writers, since each may have a canary.
    package static let mostSharing = mostWriters / 2

    package init(
        name: String, topics: [String], from: [FeatureID] = [], to: [FeatureID] = [],
        delivery: BusDelivery = .broadcast, preference: BusPreference = BusPreference(),
        full: FullRing = .block(.milliseconds(100)), ringBytes: Int = 256 << 10,
        wait: BusWait = .adaptive, isShared: Bool = false
    ) {
        self.name = name
        self.topics = topics
        self.from = from
        self.to = to
        self.delivery = delivery
        self.preference = preference
        self.full = full
        self.ringBytes = ringBytes
        self.wait = wait
        self.isShared = isShared
    }
}

/// Who gets a message of a route.
package enum BusDelivery: String, Sendable, Codable, CaseIterable {
    /// Each receiver.
    case broadcast
    /// One of them: the one with the least to do.
    case any
}

/// Which receivers of a route that delivers to any are taken first.
package struct BusPreference: Sendable, Equatable, Codable {
    /// Those that have cores of this class.
    package var coreClass: CoreClass?
    /// Those on the sender's memory node.
    package var sameNode: Bool
    /// Those that have a share of an accelerator.
    package var accelerated: Bool

    package init(coreClass: CoreClass? = nil, sameNode: Bool = false, accelerated: Bool = false) {
        self.coreClass = coreClass
        self.sameNode = sameNode
        self.accelerated = accelerated
    }
}

/// What a sender does when the ring has no room.
package enum FullRing: Sendable, Equatable, Codable {
    /// Waits so long at most; then the send fails, and the sender still has its message.
    case block(Duration)
    /// Makes room at the cost of what was sent first.
    case dropOldest
    /// Loses the message that has no room.
    case dropNewest
    /// Keeps it on disk, this many bytes at most; then as `block(.zero)`.
    case spill(mostBytes: Int)

    /// What a spill may take of the disk.
    package static let spillRange = (1 << 20)...(1 << 40)
}

/// How a side of the bus waits for the other.
package enum BusWait: String, Sendable, Codable, CaseIterable {
    /// Looks again and again: the shortest delay, at the cost of a core.
    case spin
    /// Looks for as long as it usually pays, then sleeps.
    case adaptive
    /// Sleeps at once.
    case block
}

/// Lanes of a ring: a message of a lower number overtakes all of higher ones.
package enum BusPriority: Int, Sendable, Codable, CaseIterable {
    case urgent = 0
    case high = 1
    case normal = 2
    case low = 3

    /// As people write it.
    package var word: String { "\(self)" }
}

/// Numbers of topics in messages: a hash of the name (FNV-1a, 32 bits, never 0), so that what lies
/// in a ring means the same after the policy has changed. Two topics of one policy with one number
/// are a mistake of the policy.
package enum BusTopic {
    package static func number(_ name: String) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash == 0 ? 1 : hash
    }

    /// Whether a topic can have this name: 1 to 64 of `a-z A-Z 0-9 - _ . /`.
    package static func isName(_ name: String) -> Bool {
        let isAllowed: (UInt8) -> Bool = { byte in
            (45...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || byte == 95
        }
        return (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isAllowed)
    }
}

extension FeaturePolicy {
    /// Only plugins speak on the bus: commands and units know nothing of it.
    package var isOnBus: Bool {
        if case .plugin = source { true } else { false }
    }
}

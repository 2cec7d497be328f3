import PoiseModel

/// Where a process sends what: topics to links, made anew for each change and never changed.
final class RoutingTable: Sendable {
    struct Destination {
        var link: Unmanaged<OutgoingLink>
        var share: UInt64
    }

    /// One of these links gets the message.
    struct Group {
        var destinations: UnsafeBufferPointer<Destination>
        var shares: UInt64
        /// One of several receivers, and not of several versions of one.
        var isAny: Bool
        /// By least depth instead of by share: all shares are equal.
        var isByDepth: Bool
    }

    private struct TopicGroups {
        var topic: UInt32
        var groups: UnsafeBufferPointer<Group>
        /// A link that gets messages of it is not here.
        var lacks: Bool
    }

    // tidy: allow, written before anybody else sees the table
    nonisolated(unsafe) private let entries: UnsafeMutableBufferPointer<TopicGroups>
    // Strong references to all that the unmanaged ones mean.
    private let links: [OutgoingLink]
    /// By number of the source: the link that leads back to it.
    private let waysBack: [OutgoingLink?]

    /// - Parameters:
    ///   - links: by name, those that this process writes to.
    ///   - waysBack: by number of the source.
    init(rows: [RoutingRow], links: [String: OutgoingLink], waysBack: [OutgoingLink?]) {
        self.links = links.values.sorted { $0.number < $1.number }
        self.waysBack = waysBack
        var groups: [UInt32: [Group]] = [:]
        var lacking: Set<UInt32> = []
        for row in rows {
            let wanted = row.members.joined().filter { $0.share > 0 }
            let isWhole = wanted.allSatisfy { links[$0.link] != nil }
            for topic in Set(row.topics).map(BusTopic.number) {
                groups[topic, default: []] += RoutingTable.groups(row, links)
                if !isWhole { lacking.insert(topic) }
            }
        }
        let most = max(16, groups.count * 2)
        let slots = 1 << (Int.bitWidth - (most - 1).leadingZeroBitCount)
        entries = .allocate(capacity: slots)
        entries.initialize(
            repeating: TopicGroups(topic: 0, groups: .init(start: nil, count: 0), lacks: false))
        for (topic, list) in groups { insert(topic, list, lacks: lacking.contains(topic)) }
    }

    deinit {
        for entry in entries {
            for group in entry.groups { group.destinations.deallocate() }
            entry.groups.deallocate()
        }
        entries.deallocate()
    }

    /// The groups of a topic, each of which gets its messages; none: nobody wants them.
    func groups(_ topic: UInt32) -> UnsafeBufferPointer<Group> {
        topicGroups(topic)?.groups ?? UnsafeBufferPointer(start: nil, count: 0)
    }

    private func topicGroups(_ topic: UInt32) -> TopicGroups? {
        let mask = entries.count - 1
        var slot = Int(topic) & mask
        while entries[slot].topic != 0 {
            if entries[slot].topic == topic { return entries[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Whether a link that gets messages of a topic is not here.
    func lacks(_ topic: UInt32) -> Bool { topicGroups(topic)?.lacks ?? false }

    /// The link that leads to who sent by a source.
    func wayBack(_ source: UInt32) -> OutgoingLink? {
        waysBack.indices.contains(Int(source)) ? waysBack[Int(source)] : nil
    }

    private func insert(_ topic: UInt32, _ groups: [Group], lacks: Bool) {
        let mask = entries.count - 1
        var slot = Int(topic) & mask
        while entries[slot].topic != 0 { slot = (slot + 1) & mask }
        let lasting = UnsafeMutableBufferPointer<Group>.allocate(capacity: groups.count)
        _ = lasting.initialize(from: groups)
        entries[slot] = TopicGroups(
            topic: topic, groups: UnsafeBufferPointer(lasting), lacks: lacks)
    }

    private static func groups(_ row: RoutingRow, _ links: [String: OutgoingLink]) -> [Group] {
        let lists = row.delivery == .any ? [Array(row.members.joined())] : row.members
        return lists.compactMap { list in
            let known = list.compactMap { destination in
                links[destination.link].map {
                    Destination(
                        link: .passUnretained($0), share: UInt64(max(0, destination.share)))
                }
            }.filter { $0.share > 0 }
            guard let first = known.first else { return nil }
            let lasting = UnsafeMutableBufferPointer<Destination>.allocate(capacity: known.count)
            _ = lasting.initialize(from: known)
            return Group(
                destinations: UnsafeBufferPointer(lasting),
                shares: known.reduce(0) { $0 + $1.share }, isAny: row.delivery == .any,
                isByDepth: row.delivery == .any && known.allSatisfy { $0.share == first.share })
        }
    }
}

import PoiseModel
import Synchronization

extension BusEndpoint {
    /// Which link of a group gets the next message.
    func choose(_ group: RoutingTable.Group) -> Unmanaged<OutgoingLink> {
        let list = group.destinations
        guard list.count > 1 else { return list[0].link }
        let turn = choices.add(1, ordering: .relaxed).newValue
        guard group.isByDepth else {
            let first = BusEndpoint.pick(group, turn &* 2)
            // A feature and its canary get their shares; of several receivers two are picked by
            // share, and the one with less to do is taken.
            guard group.isAny else { return first }
            let second = BusEndpoint.pick(group, turn &* 2 &+ 1)
            guard first.toOpaque() != second.toOpaque() else { return first }
            return second.depth < first.depth ? second : first
        }
        var best = list[Int(turn % UInt64(list.count))].link
        var least = best.depth
        for destination in list where least > 0 {
            let depth = destination.link.depth
            if depth < least { (best, least) = (destination.link, depth) }
        }
        return best
    }

    private static func pick(
        _ group: RoutingTable.Group, _ number: UInt64
    ) -> Unmanaged<OutgoingLink> {
        // A number's bits well mixed (SplitMix64), so that shares come in no pattern.
        var mixed = number &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        var left = (mixed ^ (mixed >> 31)) % group.shares
        for destination in group.destinations {
            if left < destination.share { return destination.link }
            left -= destination.share
        }
        return group.destinations[0].link
    }
}

extension Unmanaged where Instance == OutgoingLink {
    var number: Int { _withUnsafeGuaranteedRef { $0.number } }
    var longest: Int { _withUnsafeGuaranteedRef { $0.end.layout.longestPayload } }

    /// Bytes that wait in the link; the most there can be while somebody else sends by it.
    var depth: Int {
        _withUnsafeGuaranteedRef { link in
            guard !link.isClosed.load(ordering: .relaxed), link.lock.tryLock() else { return .max }
            defer { link.lock.unlock() }
            return link.writer.depthBytes
        }
    }
}

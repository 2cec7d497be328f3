import Glibc
import PoiseBus
import PoiseModel
import Synchronization

/// Endpoints with names, and links between them in real shared memory.
final class TestBus: Sendable {
    let damages = Mutex<[BusEndpoint.Damage]>([])
    private let endpoints = Mutex<[String: BusEndpoint]>([:])

    func endpoint(_ name: String) -> BusEndpoint {
        endpoints.withLock { endpoints in
            if let known = endpoints[name] { return known }
            let new = BusEndpoint(onDamage: { [self] damage in
                damages.withLock { $0.append(damage) }
            })
            endpoints[name] = new
            return new
        }
    }

    /// What a link is called, as `poised` does.
    static func name(_ route: String, _ sender: String, _ receiver: String) -> String {
        "\(route):\(sender)>\(receiver)"
    }

    /// Links two; gives the link's memory.
    @discardableResult
    func link(
        _ sender: String, _ receiver: String, route: String = "r", ringBytes: Int = 64 << 10,
        full: FullRing = .block(.seconds(5)), wait: BusWait = .adaptive
    ) throws -> TestLink {
        let memory = try TestLink(ringBytes: ringBytes, dropsOldest: full == .dropOldest)
        try attachSender(memory, sender, receiver, route: route, full: full, wait: wait)
        try attachReceiver(memory, sender, receiver, route: route, full: full, wait: wait)
        return memory
    }

    func attachSender(
        _ memory: TestLink, _ sender: String, _ receiver: String, route: String = "r",
        full: FullRing = .block(.seconds(5)), wait: BusWait = .adaptive
    ) throws {
        try endpoint(sender).attach(
            sending: try end(memory, sender, receiver, receiver, route, full, wait),
            producer: memory.producer(writable: true), consumer: memory.consumer(writable: false))
    }

    func attachReceiver(
        _ memory: TestLink, _ sender: String, _ receiver: String, route: String = "r",
        full: FullRing = .block(.seconds(5)), wait: BusWait = .adaptive
    ) throws {
        try endpoint(receiver).attach(
            receiving: try end(memory, sender, receiver, sender, route, full, wait),
            producer: memory.producer(writable: false), consumer: memory.consumer(writable: true))
    }

    private func end(
        _ memory: TestLink, _ sender: String, _ receiver: String, _ peer: String, _ route: String,
        _ full: FullRing, _ wait: BusWait
    ) throws -> LinkEnd {
        guard let peer = FeatureID(peer) else { throw BusError.wrongSize(bytes: 0, wanted: 1) }
        return LinkEnd(
            link: TestBus.name(route, sender, receiver), route: route, peer: peer,
            layout: memory.layout, full: full, wait: wait)
    }

    /// A row whose members are features of one destination each.
    static func row(
        _ topics: [String], from sender: String, to receivers: [String], route: String = "r",
        delivery: BusDelivery = .broadcast
    ) -> RoutingRow {
        let destinations = receivers.map {
            RoutingRow.Destination(link: name(route, sender, $0), share: 100)
        }
        return RoutingRow(
            topics: topics,
            members: delivery == .any ? [destinations] : destinations.map { [$0] },
            delivery: delivery)
    }
}

extension BusEndpoint {
    /// Sends a number.
    func send(
        _ number: UInt64, _ topic: String = "t", _ priority: BusPriority = .normal
    ) throws(SendFailure) {
        let room = try reserve(8, topic: BusTopic.number(topic), priority: priority)
        room.bytes.storeBytes(of: number, as: UInt64.self)
        commit(room.handle)
    }

    /// The numbers that wait, all done.
    func takeAll(within nanoseconds: UInt64 = 0) throws -> [UInt64] {
        var numbers: [UInt64] = []
        let deadline = nanoseconds == 0 ? 0 : BusClock.now + nanoseconds
        while let received = try receive(until: numbers.isEmpty ? deadline : 0) {
            numbers.append(received.message.payload.loadUnaligned(as: UInt64.self))
        }
        done()
        return numbers
    }
}

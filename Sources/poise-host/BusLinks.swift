import CLinux
import Glibc
import PoiseBus
import PoiseModel
import PoiseWire

/// This process's ends of links, taken up and left as `poised` says; on the first thread.
struct BusLinks {
    let endpoint: BusEndpoint
    private let outbox: Outbox

    init(outbox: Outbox) {
        self.outbox = outbox
        endpoint = BusEndpoint(onDamage: { damage in
            outbox.answer(
                .busDamaged(
                    link: damage.link, byPeer: damage.byPeer,
                    text: HostMessageText.tame(damage.text.utf8, longest: 2048)))
        })
    }

    /// Whether nothing waits for somebody to let go of a link.
    var isSettled: Bool { endpoint.isSettled }

    /// Tells of links that are left.
    func settle() {
        guard !endpoint.isSettled else { return }
        for link in endpoint.settle() { outbox.answer(.busDetached(link: link)) }
    }

    /// Takes up an end of a link; the descriptors are closed. Memory that is not what it should be
    /// is told as damage: the other side, or `poised`, has to do something.
    func attach(_ attachment: BusAttachment, _ descriptors: [Int32]) {
        defer { for descriptor in descriptors { close(descriptor) } }
        do throws(BusError) {
            guard descriptors.count >= 2 else {
                throw .wrongSize(bytes: descriptors.count, wanted: 2)
            }
            guard let layout = LinkLayout(checking: attachment.ringBytes) else {
                throw .wrongSize(bytes: attachment.ringBytes, wanted: 1 << 20)
            }
            let end = LinkEnd(
                link: attachment.link, route: attachment.route, peer: attachment.peer,
                layout: layout, full: attachment.full, wait: attachment.wait,
                sharing: attachment.sharing)
            let isProducer = attachment.role == .producer
            let producer = try BusMemory(
                mapping: descriptors[0], bytes: end.fileBytes.producer, writable: isProducer)
            let consumer = try BusMemory(
                mapping: descriptors[1], bytes: end.fileBytes.consumer, writable: !isProducer)
            let bytes = descriptors.count > 2 ? attachment.arenaBytes : 0
            if isProducer {
                if bytes > 0 { try takeArena(descriptors[2], bytes) }
                try endpoint.attach(sending: end, producer: producer, consumer: consumer)
            } else if bytes > 0 {
                let arena = try BusMemory(
                    mapping: descriptors[2], bytes: bytes, writable: false)
                try endpoint.attach(
                    receiving: end, producer: producer, consumer: consumer, arena: arena)
            } else {
                try endpoint.attach(receiving: end, producer: producer, consumer: consumer)
            }
        } catch {
            let text = "taking up \(attachment.link) failed: \(error)"
            let own: BusError.Side = attachment.role == .producer ? .producer : .consumer
            var byPeer = false
            if case .damaged(let side, _) = error { byPeer = side != own }
            outbox.answer(
                .busDamaged(
                    link: attachment.link, byPeer: byPeer,
                    text: HostMessageText.tame(text.utf8, longest: 2048)))
        }
    }

    /// One arena for all links of a process: it comes with each of them.
    private func takeArena(_ descriptor: Int32, _ bytes: Int) throws(BusError) {
        let memory = try BusMemory(mapping: descriptor, bytes: bytes, writable: true)
        let own = dup(descriptor)
        guard own >= 0 else { throw .system("dup", Errno(errno)) }
        if !endpoint.takeArena(memory: memory, descriptor: own) { close(own) }
    }

    /// Messages that find no room wait in this folder, where their routes say so.
    func spill(in folder: String) { endpoint.spill(in: folder) }

    /// Sends by this table from now on.
    func route(by table: BusTable) {
        endpoint.route(
            by: table.rows.map { row in
                RoutingRow(
                    topics: row.topics,
                    members: row.members.map { member in
                        member.map { RoutingRow.Destination(link: $0.link, share: $0.share) }
                    }, delivery: row.delivery)
            })
    }

    /// Leaves a link; one that is not here is left at once.
    func detach(_ link: String) {
        if !endpoint.detach(link) { outbox.answer(.busDetached(link: link)) }
        settle()
    }
}

extension BusAttachment {
    fileprivate var sharing: LinkEnd.Sharing {
        guard isShared else { return .none }
        if role == .producer { return .writer(producerIndex ?? 0) }
        let pairs = writers.map { ($0.index, $0.feature) }
        return .reader(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
    }
}

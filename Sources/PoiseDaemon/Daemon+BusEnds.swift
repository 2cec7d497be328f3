import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Ends of links: what each host is to have of them, and what becomes of that.
extension Daemon {
    /// What a host is to have: its end of each link that it writes or reads.
    func wantedEnds(of feature: FeatureID) -> [BusAttachment] {
        let bus = featureBus
        var ends: [BusAttachment] = []
        for link in bus.plan.links {
            guard let files = bus.store.links[link.name] else { continue }
            let writes = link.producers.contains { $0.feature == feature && $0.writes }
            guard writes || link.consumer == feature else { continue }
            ends.append(
                BusAttachment(
                    link: link.name, incarnation: files.incarnation,
                    role: writes ? .producer : .consumer, route: link.route,
                    peer: writes ? link.consumer : link.producers.first?.feature ?? link.addressee,
                    ringBytes: files.layout.ringBytes, full: link.full, wait: link.wait,
                    producerIndex: writes ? link.producerIndex(of: feature) : nil,
                    arenaBytes: arena(of: link, writer: writes ? feature : nil)?.bytes ?? 0,
                    isShared: link.isShared, writers: writes ? [] : link.writers))
        }
        return ends
    }

    /// The descriptors that go with an end: what its host writes, open for writing, and what the
    /// other side writes, open for reading only.
    func files(
        for end: BusAttachment, at feature: FeatureID
    ) throws(BusError) -> [FileDescriptor] {
        guard let link = featureBus.store.links[end.link] else { return [] }
        let isWriter = end.role == .producer
        let memory = featureBus.plan[link: end.link].flatMap {
            arena(of: $0, writer: isWriter ? feature : nil)?.memory
        }
        var files =
            isWriter
            ? [link.producer, try Daemon.readOnly(link.consumer)]
            : [try Daemon.readOnly(link.producer), link.consumer]
        if let memory { files.append(isWriter ? memory : try Daemon.readOnly(memory)) }
        return files
    }

    /// The memory of long messages that come by a link. By a shared ring none come, since each of
    /// its writers has memory of its own.
    private func arena(of link: BusLink, writer: FeatureID?) -> BusStore.Arena? {
        let owner = link.isShared ? nil : writer ?? link.producers.first?.feature
        return owner.flatMap { featureBus.store.arenas[$0] }
    }

    private static func readOnly(_ file: FileDescriptor) throws(BusError) -> FileDescriptor {
        FileDescriptor(
            adopting: try BusMemory.readOnly(file.number), name: "\(file.name), for reading")
    }
}

extension BusLink {
    /// What the reader of a shared ring is told of who writes there.
    fileprivate var writers: [BusAttachment.Writer] {
        guard isShared else { return [] }
        return producers.map { BusAttachment.Writer(index: $0.index, feature: $0.feature) }
    }
}

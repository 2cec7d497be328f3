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
                    arenaBytes: arena(of: link, writer: writes ? feature : nil)?.bytes ?? 0))
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

    /// The memory of long messages that come by a link: of one of its writers, or of its only one.
    /// Readers of a shared ring get none, since it has several.
    private func arena(of link: BusLink, writer: FeatureID?) -> BusStore.Arena? {
        let owner = writer ?? (link.isShared ? nil : link.producers.first?.feature)
        return owner.flatMap { featureBus.store.arenas[$0] }
    }

    private static func readOnly(_ file: FileDescriptor) throws(BusError) -> FileDescriptor {
        FileDescriptor(
            adopting: try BusMemory.readOnly(file.number), name: "\(file.name), for reading")
    }

    /// A host has left a link as it was told to.
    func takeDetached(_ link: String, from process: FeatureProcess) {
        if featureBus.book.left(link, by: process.feature) { featureBus.isDirty = true }
    }

    /// A process has ended; what it had of the bus is free for its next one, or for its heir.
    func leaveBus(_ feature: FeatureID) {
        featureBus.book.ended(feature)
        featureBus.isDirty = true
    }

    /// Goes on with the links of the daemon before this one. Its hosts have them already; they are
    /// told again, which changes nothing where nothing has changed.
    func recoverLinks(_ inherited: Inherited, _ known: [BusLink]) {
        let lost = featureBus.store.adopt(inherited.bus)
        for text in lost { say("found", nil, text) }
        let store = featureBus.store
        let routes = Dictionary(
            engine.given.bus.routes.map { ($0.name, $0) }
        ) { first, _ in first }
        featureBus.existing = store.links.values.sorted { $0.name < $1.name }.compactMap { link in
            let noted = known.first { $0.name == link.name }
            if let noted, noted.ringBytes == link.layout.ringBytes { return noted }
            return BusLink(readingName: link.name, ring: link.layout.ringBytes, routes)
        }
        for feature in processes.keys where processes[feature]?.channel != nil {
            featureBus.book.found(
                feature,
                links: featureBus.existing.filter { $0.mayConcern(feature) }.map(\.name))
        }
        if !store.links.isEmpty {
            say("found", nil, "\(store.links.count) links of the bus go on as they are")
        }
    }
}

extension BusLink {
    /// A link of which only the name and the files are left; nil when the name is none.
    init?(readingName name: String, ring: Int, _ routes: [String: BusRoute]) {
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let ends = parts[1].split(separator: ">").map(String.init)
        guard ends.count == 2, let addressee = FeatureID(ends[1]) else { return nil }
        let route = routes[parts[0]]
        let isShared = ends[0] == "*"
        var producers: [Producer] = []
        if !isShared {
            guard let feature = FeatureID(ends[0]) else { return nil }
            producers = [Producer(feature: feature, index: 0)]
        }
        self.init(
            route: parts[0], isShared: isShared, producers: producers, addressee: addressee,
            consumer: addressee, ringBytes: ring, full: route?.full ?? .block(.zero),
            wait: route?.wait ?? .adaptive, node: nil)
    }

    /// Whether a host may have an end of it.
    func mayConcern(_ feature: FeatureID) -> Bool {
        isShared || consumer == feature || addressee == feature
            || producers.contains { $0.feature == feature }
            || addressee == Rollout.canary(of: feature)
    }
}

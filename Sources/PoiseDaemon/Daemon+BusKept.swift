import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Links outlive processes: what becomes of them when a host ends, or the daemon.
extension Daemon {
    private var busPath: String { options.runtimeFolder + "/bus" }

    /// A host has left a link.
    func takeDetached(_ link: String, from process: FeatureProcess) {
        featureBus.book.left(link, by: process.feature)
        featureBus.isDirty = true
    }

    /// A process has ended; what it had of the bus is free for its next one, or for its heir.
    func endBus(of feature: FeatureID) {
        for (name, end) in featureBus.book.held[feature] ?? [:] where BusLink.isShared(name) {
            // An end that an earlier daemon has given it may have any number.
            let known = end.attachment.map { [$0.producerIndex].compactMap(\.self) }
            featureBus.orphans[name, default: []].formUnion(known ?? Array(BusStore.writers))
        }
        featureBus.book.ended(feature)
        featureBus.isDirty = true
    }

    /// Writes what the next daemon would want to know of the bus.
    func leaveBus(hasChanged: Bool) {
        let bus = featureBus
        guard hasChanged || bus.existing != bus.leftLinks else { return }
        var left = BusLeft(bootID: Daemon.bootID)
        left.links = bus.existing
        left.ends = bus.book.held.mapValues { ends in
            ends.values.filter { !$0.isLeaving }.compactMap(\.attachment)
                .sorted { $0.link < $1.link }
        }
        do {
            try AtomicFile.write(busPath, Array(left.text().utf8), mode: 0o600)
            bus.leftLinks = bus.existing
        } catch {
            sayOnce(nil, "what the bus has cannot be left for the next poised: \(error)")
        }
    }

    /// Goes on with the links of the daemon before this one; hosts have them and notice nothing.
    func recoverLinks(_ inherited: Inherited) {
        for text in featureBus.store.adopt(inherited.bus) { say("found", nil, text) }
        let left = leftBus()
        let store = featureBus.store
        let routes = Dictionary(
            engine.given.bus.routes.map { ($0.name, $0) }
        ) { first, _ in first }
        featureBus.existing = store.links.values.sorted { $0.name < $1.name }.compactMap { link in
            let noted = left?.links.first { $0.name == link.name }
            if let noted, noted.ringBytes == link.layout.ringBytes { return noted }
            return BusLink(readingName: link.name, ring: link.layout.ringBytes, routes)
        }
        for feature in processes.keys.sorted() where processes[feature]?.channel != nil {
            featureBus.book.found(feature, ends(of: feature, left))
        }
        // Whoever ended while there was no daemon may have left something half written.
        for link in featureBus.existing where link.isShared {
            let known = link.producers.map(\.index)
            featureBus.orphans[link.name] = Set(known.isEmpty ? Array(BusStore.writers) : known)
        }
        guard !store.links.isEmpty else { return }
        say("found", nil, "\(store.links.count) links of the bus go on as they are")
    }

    /// What a host has, as it was noted; of what was not noted, whatever it may have.
    private func ends(of feature: FeatureID, _ left: BusLeft?) -> [String: BusBook.Held] {
        var ends: [String: BusBook.Held] = [:]
        let noted = left?.ends[feature] ?? []
        for link in featureBus.existing {
            let end = noted.first {
                $0.link == link.name
                    && $0.incarnation == featureBus.store.links[link.name]?.incarnation
            }
            if end != nil || link.mayConcern(feature) {
                ends[link.name] = BusBook.Held(attachment: end)
            }
        }
        return ends
    }

    /// Gives up what writers of shared rings that are no more had begun: their readers wait there.
    func abandonWriters() {
        let bus = featureBus
        for (name, owners) in bus.orphans.sorted(by: { $0.key < $1.key }) {
            guard let link = bus.store.links[name] else {
                bus.orphans[name] = nil
                continue
            }
            // Nil: somebody may have any number, and is being told to leave.
            guard let held = bus.book.writers(of: name) else { continue }
            bus.orphans[name] = nil
            let gone = owners.subtracting(held)
            guard !gone.isEmpty else { continue }
            do throws(BusError) {
                try link.abandon(gone.sorted())
            } catch {
                sayOnce(nil, "what ended writers of \(name) had begun cannot be given up: \(error)")
            }
        }
    }

    private func leftBus() -> BusLeft? {
        guard let text = ProcessFiles.text(busPath) else { return nil }
        do throws(CodingProblem) {
            return try BusLeft(text: text, bootID: Daemon.bootID)
        } catch {
            say("found", nil, "\(busPath) says nothing: \(error); hosts are told of the bus anew")
            return nil
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

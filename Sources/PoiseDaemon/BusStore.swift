import Glibc
import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel

/// The files of all links and arenas of the bus.
///
/// They belong to no process, so that features may end, begin and be replaced and what lies in
/// their rings stays. Under systemd they are in its descriptor store too and outlive `poised`; else
/// they end with it, as the features then do.
struct BusStore {
    /// The two files of a link (`LinkLayout`), open for reading and writing.
    struct Link {
        var name: String
        var incarnation: Int
        var layout: LinkLayout
        /// The producer's memory is on this node; nil where none was asked for or it is not known.
        var node: Int?
        var producer: FileDescriptor
        var consumer: FileDescriptor

        /// Whether many producers share it: its files are those of `SharedLayout`.
        var isShared: Bool { BusLink.isShared(name) }
    }

    /// What a feature's long messages lie in.
    struct Arena {
        var incarnation: Int
        var bytes: Int
        var memory: FileDescriptor
    }

    /// Puts a descriptor into systemd's store, and takes it out again.
    struct Keeper: Sendable {
        var keep: @Sendable (FileDescriptor, String) throws(SystemError) -> Bool
        var forget: @Sendable (String) throws(SystemError) -> Void

        /// Without systemd.
        static let none = Keeper(
            keep: { (_, _) throws(SystemError) in false }, forget: { (_) throws(SystemError) in })
    }

    private(set) var links: [String: Link] = [:]
    private(set) var arenas: [FeatureID: Arena] = [:]
    private let keeper: Keeper

    init(_ keeper: Keeper = .none) { self.keeper = keeper }

    /// Takes over what an earlier daemon has kept; tells what was lost on the way.
    mutating func adopt(
        _ given: [(name: BusFileName, descriptor: FileDescriptor)]
    ) -> [String] {
        var lost: [String] = []
        var pieces: [String: [(name: BusFileName, descriptor: FileDescriptor)]] = [:]
        for piece in given {
            let isArena = piece.name.kind == .arena
            pieces[(isArena ? "arena " : "link ") + piece.name.subject, default: []].append(piece)
        }
        for (subject, all) in pieces.sorted(by: { $0.key < $1.key }) {
            // A daemon that died in the middle of a rebuilding left two.
            let newest = all.map(\.name.incarnation).max()
            let current = all.filter { $0.name.incarnation == newest }
            for piece in all where piece.name.incarnation != newest { drop(piece.name) }
            if !adopt(pieces: current) {
                lost.append("the \(subject) was not kept whole: what lay in it is lost")
                for piece in current { drop(piece.name) }
            }
        }
        return lost
    }

    private mutating func adopt(
        pieces: [(name: BusFileName, descriptor: FileDescriptor)]
    ) -> Bool {
        guard let first = pieces.first?.name else { return false }
        let file = { (kind: BusFileName.Kind) in
            pieces.first { $0.name.kind == kind && $0.name.bytes == first.bytes }?.descriptor
        }
        if first.kind == .arena {
            guard let feature = FeatureID(first.subject), let memory = file(.arena),
                BusStore.size(of: memory) == first.bytes
            else { return false }
            arenas[feature] = Arena(
                incarnation: first.incarnation, bytes: first.bytes, memory: memory)
            return true
        }
        guard BusStore.isRing(first.bytes), let producer = file(.producer),
            let consumer = file(.consumer)
        else { return false }
        let layout = LinkLayout(ringBytes: first.bytes)
        let bytes = BusStore.fileBytes(first.subject, layout)
        guard BusStore.size(of: producer) == bytes.producer,
            BusStore.size(of: consumer) == bytes.consumer
        else { return false }
        links[first.subject] = Link(
            name: first.subject, incarnation: first.incarnation, layout: layout, node: nil,
            producer: producer, consumer: consumer)
        return true
    }

    /// The sizes of a link's two files.
    private static func fileBytes(
        _ name: String, _ layout: LinkLayout
    ) -> (producer: Int, consumer: Int) {
        guard BusLink.isShared(name) else {
            return (layout.producerFileBytes, layout.consumerFileBytes)
        }
        let shared = SharedLayout(ringBytes: layout.ringBytes)
        return (shared.dataFileBytes, shared.consumerFileBytes)
    }

    static func isRing(_ bytes: Int) -> Bool {
        LinkLayout.ringRange ~= bytes && bytes & (bytes - 1) == 0
    }

    private static func size(of file: FileDescriptor) -> Int? {
        var facts = stat()
        return fstat(file.number, &facts) == 0 ? Int(facts.st_size) : nil
    }
}

extension BusStore {
    /// The link of this name, made when there is none; `node` is where its consumer runs.
    mutating func link(_ name: String, ringBytes: Int, node: Int?) throws(BusError) -> Link {
        if let link = links[name] { return link }
        return try make(name, incarnation: 1, LinkLayout(ringBytes: ringBytes), node: node)
    }

    /// New files in the place of damaged ones, with the next incarnation; nil when there is no such
    /// link.
    @discardableResult
    mutating func rebuild(_ name: String) throws(BusError) -> Link? {
        guard let old = links[name] else { return nil }
        let new = try make(
            name, incarnation: old.incarnation + 1, old.layout, node: old.node)
        forget(old)
        return new
    }

    /// Gives a link up, and what lies in it.
    mutating func drop(link name: String) {
        guard let link = links.removeValue(forKey: name) else { return }
        forget(link)
    }

    /// The arena of a feature, made when there is none of this size.
    mutating func arena(_ feature: FeatureID, bytes: Int) throws(BusError) -> Arena {
        if let arena = arenas[feature] { return arena }
        let number = try BusMemory.make(name: "poise-arena-\(feature)", bytes: bytes)
        let memory = FileDescriptor(adopting: number, name: "the arena of \(feature)")
        let arena = Arena(incarnation: 1, bytes: bytes, memory: memory)
        keep(memory, BusFileName(.arena, incarnation: 1, bytes: bytes, subject: feature.name))
        arenas[feature] = arena
        return arena
    }

    mutating func drop(arena feature: FeatureID) {
        guard let arena = arenas.removeValue(forKey: feature) else { return }
        drop(
            BusFileName(
                .arena, incarnation: arena.incarnation, bytes: arena.bytes, subject: feature.name))
    }

    private mutating func make(
        _ name: String, incarnation: Int, _ layout: LinkLayout, node: Int?
    ) throws(BusError) -> Link {
        // The name is for people who read /proc/PID/maps; the kernel takes 249 bytes of it.
        let label = String("poise-bus-\(name)".prefix(200))
        let bytes = BusStore.fileBytes(name, layout)
        let producer = FileDescriptor(
            adopting: try BusMemory.make(
                name: label, bytes: bytes.producer, node: node),
            name: "the producer's file of \(name)")
        let consumer = FileDescriptor(
            adopting: try BusMemory.make(name: label, bytes: bytes.consumer, node: node),
            name: "the consumer's file of \(name)")
        let link = Link(
            name: name, incarnation: incarnation, layout: layout, node: node, producer: producer,
            consumer: consumer)
        keep(producer, link.file(.producer))
        keep(consumer, link.file(.consumer))
        links[name] = link
        return link
    }

    private func forget(_ link: Link) {
        drop(link.file(.producer))
        drop(link.file(.consumer))
    }

    private func keep(_ file: FileDescriptor, _ name: BusFileName) {
        do throws(SystemError) {
            _ = try keeper.keep(file, name.text)
        } catch {
            // Then it ends with this daemon, and the next one says so.
            return
        }
    }

    private func drop(_ name: BusFileName) {
        do throws(SystemError) {
            try keeper.forget(name.text)
        } catch {
            // The next daemon finds it, and gives it up then.
            return
        }
    }
}

extension BusStore {
    /// All numbers that a writer of a shared ring may have.
    static let writers = 0..<SharedLayout.mostProducers
}

extension BusStore.Link {
    /// Gives up what writers of these numbers have begun in this shared ring; none of them runs.
    func abandon(_ writers: [Int]) throws(BusError) {
        let shared = SharedLayout(ringBytes: layout.ringBytes)
        let data = try BusMemory(
            mapping: producer.number, bytes: shared.dataFileBytes, writable: true)
        for writer in writers { SharedRing.abandon(owner: writer, in: data, layout: shared) }
    }

    func file(_ kind: BusFileName.Kind) -> BusFileName {
        BusFileName(kind, incarnation: incarnation, bytes: layout.ringBytes, subject: name)
    }
}

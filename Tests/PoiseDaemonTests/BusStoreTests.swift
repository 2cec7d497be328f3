import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel
import Synchronization
import Testing

@testable import PoiseDaemon

/// The files of links outlive the daemon where somebody keeps its descriptors.
@Suite struct BusStoreTests {
    /// Keeps as systemd does: a copy of each descriptor under its name.
    private final class Keeper: Sendable {
        let kept = Mutex<[(name: String, descriptor: FileDescriptor)]>([])

        var keeper: BusStore.Keeper {
            BusStore.Keeper(
                keep: { (file, name) throws(SystemError) in
                    let copy = FileDescriptor(adopting: dup(file.number), name: name)
                    self.kept.withLock { $0.append((name, copy)) }
                    return true
                },
                forget: { (name) throws(SystemError) in
                    self.kept.withLock { $0.removeAll { $0.name == name } }
                })
        }

        var names: [String] { kept.withLock { $0.map(\.name) }.sorted() }

        /// What the next daemon is started with.
        func inherited() -> Inherited {
            Inherited(
                kept.withLock { all in
                    all.map { ($0.name, FileDescriptor(adopting: dup($0.1.number), name: $0.0)) }
                })
        }
    }

    private func writer(_ link: BusStore.Link) throws -> RingWriter {
        let layout = link.layout
        return try RingWriter(
            producer: BusMemory(
                mapping: link.producer.number, bytes: layout.producerFileBytes, writable: true),
            consumer: BusMemory(
                mapping: link.consumer.number, bytes: layout.consumerFileBytes, writable: false),
            layout: layout, dropsOldest: false)
    }

    private func depth(_ link: BusStore.Link) throws -> Int? {
        try LinkObserver(
            producer: link.producer.number, consumer: link.consumer.number, layout: link.layout
        ).counters().depth
    }

    private func send(_ count: Int, by link: BusStore.Link) throws {
        var writer = try writer(link)
        for _ in 0..<count {
            _ = try #require(try writer.reserve(4, topic: 1, priority: .normal))
            writer.commit()
        }
    }

    @Test
    func `a link of a name is made once, and the next daemon finds it with all that is in it`()
        throws
    {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        let link = try store.link("work:a>b.canary", ringBytes: 4096, node: nil)
        try send(5, by: link)
        #expect(try store.link("work:a>b.canary", ringBytes: 4096, node: nil).incarnation == 1)
        #expect(
            keeper.names == [
                "busConsumer.1.4096.work=a>b.canary", "busProducer.1.4096.work=a>b.canary",
            ])
        var next = BusStore(keeper.keeper)
        let inherited = keeper.inherited()
        #expect(inherited.unknown.isEmpty)
        #expect(next.adopt(inherited.bus).isEmpty)
        let found = try #require(next.links["work:a>b.canary"])
        #expect(try depth(found) == 5)
    }

    @Test func `a rebuilt link has other files and the next incarnation, and the old go`() throws {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        let old = try store.link("r:a>b", ringBytes: 4096, node: nil)
        try send(3, by: old)
        let new = try #require(try store.rebuild("r:a>b"))
        #expect(new.incarnation == 2)
        #expect(try depth(new) == 0)
        #expect(keeper.names == ["busConsumer.2.4096.r=a>b", "busProducer.2.4096.r=a>b"])
        #expect(try store.rebuild("r:a>c") == nil)
    }

    @Test func `of a link that was not kept whole nothing is taken, and that is said`() throws {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        _ = try store.link("r:a>b", ringBytes: 4096, node: nil)
        _ = try store.link("r:c>d", ringBytes: 8192, node: nil)
        keeper.kept.withLock { $0.removeAll { $0.name.hasPrefix("busConsumer.1.4096") } }
        var next = BusStore(keeper.keeper)
        let lost = next.adopt(keeper.inherited().bus)
        #expect(lost == ["the link r:a>b was not kept whole: what lay in it is lost"])
        #expect(next.links.keys.sorted() == ["r:c>d"])
        #expect(keeper.names.allSatisfy { $0.hasSuffix("r=c>d") })
    }

    @Test func `of two incarnations the later one counts`() throws {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        _ = try store.link("r:a>b", ringBytes: 4096, node: nil)
        // A daemon that died before it had the first one forgotten.
        let before = keeper.kept.withLock { $0 }
        _ = try store.rebuild("r:a>b")
        keeper.kept.withLock { $0 += before }
        var next = BusStore(keeper.keeper)
        #expect(next.adopt(keeper.inherited().bus).isEmpty)
        #expect(next.links["r:a>b"]?.incarnation == 2)
        #expect(keeper.names.count == 2)
    }

    @Test(arguments: [
        "busProducer.1.4096", "busProducer.x.4096.r=a>b", "busProducer.1.0.r=a>b",
        "busOther.1.4096.r=a>b", "process.streaming", "busArena.-1.5.f", "busProducer.1.4096.",
    ])
    func `other names are no files of the bus`(name: String) {
        #expect(BusFileName(name) == nil)
    }

    @Test func `a file of another size than its name says is not taken`() throws {
        let made = try BusMemory.make(name: "t", bytes: 8192)
        var store = BusStore()
        let lost = store.adopt([
            (
                BusFileName(.producer, incarnation: 1, bytes: 1 << 20, subject: "r:a>b"),
                FileDescriptor(adopting: made, name: "t")
            )
        ])
        #expect(lost.count == 1)
        #expect(store.links.isEmpty)
    }

    @Test func `who may only read a file cannot map it to write`() throws {
        var store = BusStore()
        let link = try store.link("r:a>b", ringBytes: 4096, node: nil)
        let second = try BusMemory.readOnly(link.producer.number)
        defer { close(second) }
        let bytes = link.layout.producerFileBytes
        #expect(throws: BusError.self) {
            _ = try BusMemory(mapping: second, bytes: bytes, writable: true)
        }
        _ = try BusMemory(mapping: second, bytes: bytes, writable: false)
    }

    @Test func `an arena is made once for its feature, and found again`() throws {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        let feature = try #require(FeatureID("a.b"))
        _ = try store.arena(feature, bytes: 1 << 20)
        _ = try store.arena(feature, bytes: 2 << 20)
        #expect(keeper.names == ["busArena.1.1048576.a.b"])
        var next = BusStore(keeper.keeper)
        #expect(next.adopt(keeper.inherited().bus).isEmpty)
        #expect(next.arenas[feature]?.bytes == 1 << 20)
        next.drop(arena: feature)
        #expect(keeper.names.isEmpty)
    }

    @Test func `a shared ring is found again, and what an ended writer began is given up`() throws {
        let keeper = Keeper()
        var store = BusStore(keeper.keeper)
        let made = try store.link("work:*>b", ringBytes: 4096, node: nil)
        #expect(made.isShared)
        let shared = SharedLayout(ringBytes: 4096)
        let write = { (owner: Int) throws in
            var writer = try SharedRingWriter(
                data: BusMemory(
                    mapping: made.producer.number, bytes: shared.dataFileBytes, writable: true),
                consumer: BusMemory(
                    mapping: made.consumer.number, bytes: shared.consumerFileBytes,
                    writable: false), layout: shared, owner: owner)
            for _ in 0..<3 {
                _ = try writer.reserve(4, topic: 1, priority: .normal)
                writer.commit()
            }
        }
        try write(0)
        try write(1)
        var next = BusStore(keeper.keeper)
        #expect(next.adopt(keeper.inherited().bus).isEmpty)
        let found = try #require(next.links["work:*>b"])
        #expect(found.isShared && found.layout.ringBytes == 4096)
        try found.abandon(Array(BusStore.writers))
        let counters = try LinkObserver(
            producer: found.producer.number, consumer: found.consumer.number,
            layout: found.layout, isShared: true
        ).counters()
        #expect(counters.depth == 6)
    }
}

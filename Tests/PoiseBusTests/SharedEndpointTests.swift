import Glibc
import PoiseModel
import Synchronization
import Testing

@testable import PoiseBus

/// A shared ring in real memory between endpoints.
private struct SharedLink {
    let link = "r:*>z"
    let layout: LinkLayout
    let shared: SharedLayout
    let data: Int32
    let consumer: Int32
    let full: FullRing

    init(ringBytes: Int = 64 << 10, full: FullRing = .block(.seconds(5))) throws {
        layout = LinkLayout(ringBytes: ringBytes)
        shared = SharedLayout(ringBytes: ringBytes)
        self.full = full
        data = try BusMemory.make(name: "test-d", bytes: shared.dataFileBytes)
        consumer = try BusMemory.make(name: "test-c", bytes: shared.consumerFileBytes)
    }

    func close() {
        _ = Glibc.close(data)
        _ = Glibc.close(consumer)
    }

    private func end(_ peer: String, _ sharing: LinkEnd.Sharing) throws -> LinkEnd {
        LinkEnd(
            link: link, route: "r", peer: try #require(FeatureID(peer)), layout: layout, full: full,
            wait: .adaptive, sharing: sharing)
    }

    private func memory(
        _ file: Int32, _ bytes: Int, writable: Bool
    ) throws(BusError) -> BusMemory {
        let given = writable ? file : try BusMemory.readOnly(file)
        defer { if !writable { _ = Glibc.close(given) } }
        return try BusMemory(mapping: given, bytes: bytes, writable: writable)
    }

    /// An endpoint that writes under a number.
    func writer(_ index: Int) throws -> BusEndpoint {
        let endpoint = BusEndpoint()
        try endpoint.attach(
            sending: end("z", .writer(index)),
            producer: memory(data, shared.dataFileBytes, writable: true),
            consumer: memory(consumer, shared.consumerFileBytes, writable: false))
        endpoint.route(by: [TestBus.row(["t"], from: "*", to: ["z"])])
        return endpoint
    }

    func attachReader(_ endpoint: BusEndpoint, _ names: [String] = ["a", "b"]) throws {
        let known = try names.map { try #require(FeatureID($0)) }
        let pairs = known.enumerated().map { ($0.offset, $0.element) }
        try endpoint.attach(
            receiving: end(names[0], .reader(Dictionary(uniqueKeysWithValues: pairs))),
            producer: memory(data, shared.dataFileBytes, writable: false),
            consumer: memory(consumer, shared.consumerFileBytes, writable: true))
    }

    func reader() throws -> BusEndpoint {
        let endpoint = BusEndpoint()
        try attachReader(endpoint)
        return endpoint
    }

    func counters() throws -> LinkCounters {
        try LinkObserver(
            producer: data, consumer: consumer, layout: layout, isShared: true
        ).counters()
    }

    /// Gives up what a writer has begun.
    func abandon(_ index: Int) throws {
        let memory = try memory(data, shared.dataFileBytes, writable: true)
        SharedRing.abandon(owner: index, in: memory, layout: shared)
    }
}

@Suite struct SharedEndpointTests {
    private static let mark: UInt64 = 1 << 32

    @Test(arguments: [4096, 256 << 10])
    func `Two senders fill one ring at a time, and nothing is lost or out of order`(
        ringBytes: Int
    ) throws {
        let link = try SharedLink(ringBytes: ringBytes)
        defer { link.close() }
        let reader = try link.reader()
        let count = 20_000
        let failures = Mutex(0)
        let threads = try (0..<2).map { index in
            let writer = try link.writer(index)
            return TestThread {
                for number in 0..<count {
                    do throws(SendFailure) {
                        try writer.send(UInt64(index) * Self.mark + UInt64(number))
                    } catch { failures.withLock { $0 += 1 } }
                }
            }
        }
        var next: [UInt64] = [0, 0]
        var isRight = true
        while next[0] + next[1] < 2 * count {
            guard let received = try reader.receive(until: BusClock.now + 10_000_000_000) else {
                break
            }
            let number = received.message.payload.loadUnaligned(as: UInt64.self)
            let index = Int(number / Self.mark)
            isRight = isRight && number % Self.mark == next[index]
            isRight = isRight && String(cString: received.from) == ["a", "b"][index]
            next[index] += 1
            if number % 7 == 0 { reader.done() }
        }
        reader.done()
        for thread in threads { thread.join() }
        #expect(isRight)
        #expect(next == [UInt64(count), UInt64(count)])
        #expect(failures.withLock { $0 } == 0)
        let counters = try link.counters()
        #expect(counters.sum(\.sent) == UInt64(2 * count))
        #expect(counters.sum(\.taken) == UInt64(2 * count))
        #expect(counters.depth == 0 && counters.isEmpty == true)
        #expect(counters.waits.reduce(0, +) > 0)
    }

    @Test func `A sender that dies in the middle of a message holds up others only until then`()
        throws
    {
        let link = try SharedLink()
        defer { link.close() }
        let (dying, other, reader) = (try link.writer(0), try link.writer(1), try link.reader())
        try dying.send(1)
        // It never commits this one.
        _ = try dying.reserve(8, topic: BusTopic.number("t"), priority: .normal)
        for number in 2..<10 { try other.send(UInt64(number)) }
        #expect(try reader.takeAll() == [1])
        // Lanes do not wait for each other.
        try other.send(100, "t", .urgent)
        #expect(try reader.takeAll() == [100])
        #expect(try link.counters().depth == 8)
        let killer = TestThread {
            usleep(50_000)
            do { try link.abandon(0) } catch { Issue.record("\(error)") }
        }
        // Asleep, and woken by it.
        #expect(try reader.takeAll(within: 10_000_000_000) == (2..<10).map(UInt64.init))
        killer.join()
        let heir = try link.writer(0)
        try heir.send(11)
        #expect(try reader.takeAll() == [11])
        #expect(try link.counters().isEmpty == true)
    }

    @Test func `What has no room is dropped or refused, as the route says, and counted`() throws {
        for (full, failure) in [
            (FullRing.dropNewest, SendFailure.dropped), (.block(.milliseconds(2)), .full),
        ] {
            let link = try SharedLink(ringBytes: 4096, full: full)
            defer { link.close() }
            let writers = [try link.writer(0), try link.writer(1)]
            let reader = try link.reader()
            var sent: [UInt64] = []
            var failures: [SendFailure] = []
            for number in 0..<70 {
                do throws(SendFailure) {
                    try writers[number % 2].send(UInt64(number))
                    sent.append(UInt64(number))
                } catch { failures.append(error) }
            }
            // Each message takes one granule of 64.
            #expect(sent.count == 64 && failures == Array(repeating: failure, count: 6))
            let counters = try link.counters()
            #expect(counters.depth == 64 && counters.depthBytes == 4096)
            #expect(counters.sum(full == .dropNewest ? \.droppedNewest : \.refused) == 6)
            #expect((counters.sum(\.blockedNanoseconds) > 0) == (full != .dropNewest))
            #expect(writers[0].depth(of: link.link) == 4096)
            #expect(try reader.takeAll() == sent)
            try writers[0].send(70)
            #expect(try reader.takeAll() == [70])
        }
    }

    @Test func `Too long messages and requests are refused in words of their own`() throws {
        let link = try SharedLink(ringBytes: 4096)
        defer { link.close() }
        let writer = try link.writer(0)
        let arena = try BusMemory.make(name: "test-a", bytes: 1 << 20)
        #expect(
            writer.takeArena(
                memory: try BusMemory(mapping: arena, bytes: 1 << 20, writable: true),
                descriptor: arena))
        let topic = BusTopic.number("t")
        #expect(throws: SendFailure.tooLong(most: 944)) {
            _ = try writer.reserve(945, topic: topic, priority: .normal)
        }
        #expect(throws: SendFailure.noWayBack) {
            _ = try writer.reserveRequest(
                8, topic: topic, priority: .normal, trace: nil, within: 1_000_000)
        }
        try writer.send(1)
    }

    @Test func `The next reader goes on where the last one was done, with its state`() throws {
        let link = try SharedLink()
        defer { link.close() }
        let writers = [try link.writer(0), try link.writer(1)]
        let first = try link.reader()
        for number in 0..<6 { try writers[number % 2].send(UInt64(number)) }
        for _ in 0..<4 {
            let received = try #require(try first.receive(until: 0))
            let number = received.message.payload.loadUnaligned(as: UInt64.self)
            guard number == 2 else { continue }
            var state: UInt64 = 77
            try withUnsafeBytes(of: &state) { (bytes) throws in
                try first.done(received.source, state: bytes)
            }
        }
        #expect(first.detach(link.link))
        let second = BusEndpoint()
        // It knows only one of them.
        try link.attachReader(second, ["a"])
        var came: [UInt64] = []
        var names: [String] = []
        while let received = try second.receive(until: 0) {
            came.append(received.message.payload.loadUnaligned(as: UInt64.self))
            names.append(String(cString: received.from))
            if came.count == 1 {
                let kept = try second.withState(received.source) {
                    $0.loadUnaligned(as: UInt64.self)
                }
                #expect(kept == 77)
            }
        }
        second.done()
        #expect(came == [3, 4, 5])
        #expect(names == ["?", "a", "?"])
    }

    @Test func `Links of both kinds are read in one order, the most urgent first`() throws {
        let link = try SharedLink()
        defer { link.close() }
        let bus = TestBus()
        for sender in ["c", "d"] {
            try bus.link(sender, "z")
            bus.endpoint(sender).route(by: [TestBus.row(["t"], from: sender, to: ["z"])])
        }
        try link.attachReader(bus.endpoint("z"))
        let writer = try link.writer(1)
        for (shared, other, last) in [
            (BusPriority.low, BusPriority.urgent, BusPriority.normal), (.high, .urgent, .low),
            (.urgent, .normal, .high),
        ] {
            try writer.send(UInt64(shared.rawValue), "t", shared)
            try bus.endpoint("c").send(UInt64(other.rawValue), "t", other)
            try bus.endpoint("d").send(UInt64(last.rawValue), "t", last)
            let order = [shared, other, last].map { UInt64($0.rawValue) }.sorted()
            #expect(try bus.endpoint("z").takeAll() == order)
        }
    }

    @Test func `A cell that cannot be is told as damage, once`() throws {
        let link = try SharedLink()
        defer { link.close() }
        let damages = Mutex<[BusEndpoint.Damage]>([])
        let reader = BusEndpoint(onDamage: { damage in damages.withLock { $0.append(damage) } })
        try link.attachReader(reader)
        let writer = try link.writer(0)
        try writer.send(1)
        let memory = try BusMemory(
            mapping: link.data, bytes: link.shared.dataFileBytes, writable: true)
        // Of a lap that is to come.
        let cell = Claim(position: 1 << 20, length: 1, owner: 0, state: .committed)
        SharedMap(memory.base, link.shared).cell(BusPriority.normal.rawValue, 0).pointee
            .store(cell.bits, ordering: .releasing)
        #expect(try reader.takeAll() == [])
        #expect(try reader.takeAll() == [])
        #expect(damages.withLock { $0.map(\.byPeer) } == [true])
    }
}

import Glibc
import PoiseBus
import PoiseModel
import Synchronization
import Testing

/// What lies beside the rings: long messages and those on disk; and links that are replaced.
@Suite struct EndpointMemoryTests {
    private static let arenaBytes = 4 << 20

    /// Gives a sender an arena; a descriptor of it to read.
    private static func arena(of sender: BusEndpoint) throws -> Int32 {
        let descriptor = try BusMemory.make(name: "arena", bytes: arenaBytes)
        let memory = try BusMemory(mapping: descriptor, bytes: arenaBytes, writable: true)
        let isTaken = sender.takeArena(memory: memory, descriptor: descriptor)
        #expect(isTaken)
        return dup(descriptor)
    }

    private static func attach(
        _ bus: TestBus, _ memory: TestLink, _ receiver: String, arena: Int32
    ) throws {
        guard let peer = FeatureID("a") else { return }
        try bus.endpoint(receiver).attach(
            receiving: LinkEnd(
                link: TestBus.name("r", "a", receiver), route: "r", peer: peer,
                layout: memory.layout, full: .block(.seconds(1)), wait: .adaptive),
            producer: memory.producer(writable: false), consumer: memory.consumer(writable: true),
            arena: try BusMemory(mapping: arena, bytes: arenaBytes, writable: false))
    }

    @Test func `A message too long for a ring goes to all, and its memory comes back`() throws {
        let bus = TestBus()
        let sender = bus.endpoint("a")
        let arena = try EndpointMemoryTests.arena(of: sender)
        defer { close(arena) }
        for name in ["b", "c"] {
            let memory = try TestLink(ringBytes: 4096)
            try bus.attachSender(memory, "a", name, full: .block(.milliseconds(1)))
            try EndpointMemoryTests.attach(bus, memory, name, arena: arena)
        }
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b", "c"])])
        // Ten times what the arena holds.
        for round in 0..<20 {
            let room = try sender.reserve(2 << 20, topic: BusTopic.number("t"), priority: .normal)
            #expect(room.bytes.count == 2 << 20)
            room.bytes.storeBytes(of: UInt64(round), toByteOffset: 1 << 20, as: UInt64.self)
            if round % 5 == 4 { sender.abort(room.handle) } else { sender.commit(room.handle) }
            for name in ["b", "c"] where round % 5 != 4 {
                guard let got = try bus.endpoint(name).receive(until: 0) else {
                    Issue.record("round \(round) has not come to \(name)")
                    return
                }
                #expect(got.message.payload.count == 2 << 20)
                #expect(
                    got.message.payload.load(fromByteOffset: 1 << 20, as: UInt64.self)
                        == UInt64(round))
                bus.endpoint(name).done()
            }
        }
        // Nobody takes any more: two are in it, and a third has no room.
        for _ in 0..<2 {
            sender.commit(
                try sender.reserve(2 << 20, topic: BusTopic.number("t"), priority: .low).handle)
        }
        #expect(throws: SendFailure.full) {
            try sender.reserve(2 << 20, topic: BusTopic.number("t"), priority: .low)
        }
        #expect(throws: SendFailure.tooLong(most: 4 << 20)) {
            try sender.reserve(5 << 20, topic: BusTopic.number("t"), priority: .low)
        }
    }

    @Test func `Without an arena a message that is too long is refused`() throws {
        let bus = TestBus()
        let most = try bus.link("a", "b", ringBytes: 4096).layout.longestPayload
        bus.endpoint("a").route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        #expect(throws: SendFailure.tooLong(most: most)) {
            try bus.endpoint("a").reserve(most + 1, topic: BusTopic.number("t"), priority: .low)
        }
    }

    @Test func `What has no room waits on disk, also while its sender is away`() throws {
        var name = Array("/tmp/poise-spill-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { return }
        let folder = String(decoding: name.dropLast().map(UInt8.init), as: UTF8.self)
        defer {
            for lane in BusPriority.allCases {
                let number = String(BusTopic.number("r:a>b"), radix: 16)
                unlink("\(folder)/bus-\(number)-\(lane.word).spill")
            }
            rmdir(folder)
        }
        let full = FullRing.spill(mostBytes: 1 << 20)
        let memory = try TestLink(ringBytes: 4096)
        let first = TestBus()
        try first.attachSender(memory, "a", "b", full: full)
        first.endpoint("a").route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        first.endpoint("a").spill(in: folder)
        for number in 0..<2000 { try first.endpoint("a").send(UInt64(number)) }
        // Another process takes it up.
        let second = TestBus()
        try second.attachSender(memory, "a", "b", full: full)
        let sender = second.endpoint("a")
        sender.spill(in: folder)
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        try second.attachReceiver(memory, "a", "b", full: full)
        try sender.send(2000)
        var got: [UInt64] = []
        for _ in 0..<1000 where got.count < 2001 {
            got += try second.endpoint("b").takeAll()
            _ = sender.settle()
        }
        #expect(got == (0...2000).map(UInt64.init))
    }

    @Test func `A link that is taken up again while messages are sent loses none`() throws {
        let bus = TestBus()
        let memory = try TestLink(ringBytes: 16 << 10)
        try bus.attachSender(memory, "a", "b")
        try bus.attachReceiver(memory, "a", "b")
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        let total = 50_000
        let failures = Atomic(0)
        let isSent = Atomic(false)
        let writer = TestThread {
            for number in 0..<total {
                do throws(SendFailure) { try sender.send(UInt64(number)) } catch {
                    failures.add(1, ordering: .relaxed)
                }
            }
            isSent.store(true, ordering: .relaxed)
        }
        let turner = TestThread {
            while !isSent.load(ordering: .relaxed) {
                do {
                    _ = sender.detach("r:a>b")
                    try bus.attachSender(memory, "a", "b")
                } catch { failures.add(1, ordering: .relaxed) }
                usleep(500)
            }
        }
        var got: [UInt64] = []
        while got.count < total {
            let more = try bus.endpoint("b").takeAll(within: 5_000_000_000)
            guard !more.isEmpty else { break }
            got += more
        }
        for thread in [writer, turner] { thread.join() }
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(got == (0..<total).map(UInt64.init))
    }

    @Test func `A reader's end that is taken up again gives what was not done once more`() throws {
        let bus = TestBus()
        let memory = try bus.link("a", "b")
        bus.endpoint("a").route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        for number in 0..<3 { try bus.endpoint("a").send(UInt64(number)) }
        let receiver = bus.endpoint("b")
        guard let first = try receiver.receive(until: 0) else { return }
        try bus.attachReceiver(memory, "a", "b")
        // The old end commits nothing any more.
        #expect(throws: BusEndpoint.ReceiveFailure.gone) {
            try receiver.done(first.source, state: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(try receiver.takeAll() == [0, 1, 2])
    }
}

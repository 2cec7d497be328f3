import Glibc
import PoiseBus
import PoiseModel
import Synchronization
import Testing

@Suite struct RequestTests {
    private static let topic = BusTopic.number("ask")

    /// Asks with a number; gives its request.
    private static func ask(
        _ endpoint: BusEndpoint, _ number: UInt64, within nanoseconds: UInt64
    ) throws(SendFailure) -> UInt64 {
        let room = try endpoint.reserveRequest(
            8, topic: topic, priority: .normal, trace: nil, within: nanoseconds)
        room.bytes.storeBytes(of: number, as: UInt64.self)
        endpoint.commit(room.handle)
        return room.request
    }

    private static func reply(
        _ endpoint: BusEndpoint, _ request: ReceivedMessage, _ number: UInt64
    ) throws(SendFailure) {
        let context = request.message.context ?? MessageContext()
        let room = try endpoint.reserveReply(
            8, to: request.source, request: context.request,
            deadline: context.deadlineNanoseconds, topic: request.message.topic, priority: .high,
            trace: nil)
        room.bytes.storeBytes(of: number, as: UInt64.self)
        endpoint.commit(room.handle)
    }

    private static func awaited(_ endpoint: BusEndpoint, _ request: UInt64) throws -> UInt64 {
        try endpoint.awaitReply(request) {
            $0.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }
    }

    private static func pair() throws -> TestBus {
        let bus = TestBus()
        try bus.link("a", "b")
        try bus.link("b", "a", route: "back")
        bus.endpoint("a").route(by: [TestBus.row(["ask"], from: "a", to: ["b"])])
        return bus
    }

    @Test func `A reply comes to who asked, also with many asking at once`() throws {
        let bus = try RequestTests.pair()
        let ends = Atomic(false)
        let failures = Atomic(0)
        let server = TestThread {
            let endpoint = bus.endpoint("b")
            while !ends.load(ordering: .relaxed) {
                do {
                    guard let request = try endpoint.receive(until: BusClock.now + 10_000_000)
                    else { continue }
                    let number = request.message.payload.loadUnaligned(as: UInt64.self)
                    try RequestTests.reply(endpoint, request, number * 2)
                    endpoint.done()
                } catch { failures.add(1, ordering: .relaxed) }
            }
        }
        let clients = (0..<3).map { client in
            TestThread {
                for number in 0..<300 {
                    let value = UInt64(client * 1000 + number)
                    do {
                        let request = try RequestTests.ask(
                            bus.endpoint("a"), value, within: 10_000_000_000)
                        if try RequestTests.awaited(bus.endpoint("a"), request) != value * 2 {
                            failures.add(1, ordering: .relaxed)
                        }
                    } catch { failures.add(1, ordering: .relaxed) }
                }
            }
        }
        for client in clients { client.join() }
        ends.store(true, ordering: .relaxed)
        server.join()
        #expect(failures.load(ordering: .relaxed) == 0)
    }

    @Test func `A request whose deadline passes throws, and its late reply harms nobody`() throws {
        let bus = try RequestTests.pair()
        let endpoint = bus.endpoint("a")
        let request = try RequestTests.ask(endpoint, 1, within: 5_000_000)
        #expect(throws: BusEndpoint.ReceiveFailure.late) {
            try RequestTests.awaited(endpoint, request)
        }
        let received = try bus.endpoint("b").receive(until: 0)
        guard let received else {
            Issue.record("the request has not come")
            return
        }
        #expect(throws: SendFailure.late) {
            try RequestTests.reply(bus.endpoint("b"), received, 2)
        }
        let second = try RequestTests.ask(endpoint, 1, within: 10_000_000_000)
        guard let next = try bus.endpoint("b").receive(until: 0) else { return }
        try RequestTests.reply(bus.endpoint("b"), next, 5)
        #expect(try RequestTests.awaited(endpoint, second) == 5)
        #expect(throws: BusEndpoint.ReceiveFailure.unknown) {
            try RequestTests.awaited(endpoint, second)
        }
    }

    @Test func `Without a way back a request is refused at once`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        bus.endpoint("a").route(by: [TestBus.row(["ask"], from: "a", to: ["b"])])
        #expect(throws: SendFailure.noWayBack) {
            try RequestTests.ask(bus.endpoint("a"), 1, within: 1_000_000)
        }
    }

    @Test func `Messages that come while a reply is awaited are kept in order`() throws {
        let bus = try RequestTests.pair()
        let (asker, other) = (bus.endpoint("a"), bus.endpoint("b"))
        other.route(by: [TestBus.row(["t"], from: "b", to: ["a"], route: "back")])
        for number in 0..<10 { try other.send(UInt64(number)) }
        let first = try asker.receive(until: 0)
        #expect(first?.message.payload.loadUnaligned(as: UInt64.self) == 0)
        let request = try RequestTests.ask(asker, 1, within: 10_000_000_000)
        guard let received = try other.receive(until: 0) else { return }
        for number in 10..<20 { try other.send(UInt64(number)) }
        try RequestTests.reply(other, received, 7)
        #expect(try RequestTests.awaited(asker, request) == 7)
        // What was done while some were kept is done with the next.
        asker.done()
        #expect(try asker.takeAll() == (1..<20).map(UInt64.init))
    }

    @Test func `A receiver that waits and those that await replies share the looking`() throws {
        let bus = try RequestTests.pair()
        let (asker, other) = (bus.endpoint("a"), bus.endpoint("b"))
        other.route(by: [TestBus.row(["t"], from: "b", to: ["a"], route: "back")])
        let ends = Atomic(false)
        let got = Atomic(0)
        let failures = Atomic(0)
        let receiver = TestThread {
            while !ends.load(ordering: .relaxed) {
                do {
                    let numbers = try asker.takeAll(within: 20_000_000)
                    got.add(numbers.count, ordering: .relaxed)
                } catch { failures.add(1, ordering: .relaxed) }
            }
        }
        let server = TestThread {
            while !ends.load(ordering: .relaxed) {
                do {
                    guard let request = try other.receive(until: BusClock.now + 10_000_000)
                    else { continue }
                    try other.send(1)
                    try RequestTests.reply(other, request, 3)
                    other.done()
                } catch { failures.add(1, ordering: .relaxed) }
            }
        }
        for _ in 0..<300 {
            let request = try RequestTests.ask(asker, 1, within: 10_000_000_000)
            #expect(try RequestTests.awaited(asker, request) == 3)
        }
        let deadline = BusClock.now + 5_000_000_000
        while got.load(ordering: .relaxed) < 300, BusClock.now < deadline { usleep(1000) }
        ends.store(true, ordering: .relaxed)
        for thread in [receiver, server] { thread.join() }
        #expect(got.load(ordering: .relaxed) == 300)
        #expect(failures.load(ordering: .relaxed) == 0)
    }

    @Test func `A state is kept with its link for whoever takes it up next`() throws {
        let bus = TestBus()
        let memory = try bus.link("a", "b")
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        for number in 0..<4 { try sender.send(UInt64(number)) }
        let receiver = bus.endpoint("b")
        guard let received = try receiver.receive(until: 0) else { return }
        let state: [UInt8] = [1, 2, 3]
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
        defer { room.deallocate() }
        room.copyBytes(from: state)
        try receiver.done(received.source, state: UnsafeRawBufferPointer(room))
        _ = try receiver.receive(until: 0)
        // As after a crash: what was not done comes again.
        try bus.attachReceiver(memory, "a", "c")
        guard let again = try bus.endpoint("c").receive(until: 0) else { return }
        #expect(again.message.sequence == 1)
        #expect(try bus.endpoint("c").withState(again.source) { Array($0) } == [1, 2, 3])
        #expect(throws: BusEndpoint.ReceiveFailure.unknown) {
            try bus.endpoint("c").withState(99) { _ in () }
        }
    }
}

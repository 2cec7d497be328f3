import PluginABI
import PoiseModel
import PoisePlugin
import Synchronization
import Testing

@Suite struct SDKBusTests {
    private static func host(_ bus: FakeBus) -> Host {
        Host(
            feature: "tried", stateFolder: "/", allocation: Allocation(), bus: bus,
            tell: { _ in })
    }

    @Test func `What is sent is seen, with its priority and trace`() throws {
        let fake = FakeBus()
        let bus = SDKBusTests.host(fake).bus
        let topic = bus.topic("words")
        let trace = Bus.Trace(traceHigh: 1, traceLow: 2, span: 3)
        try bus.send(topic, priority: .urgent, trace: trace, [1, 2])
        #expect(
            fake.sent == [
                FakeBus.Sent(
                    topic: topic, priority: .urgent, bytes: [1, 2], trace: trace, isReply: false)
            ])
    }

    @Test func `A message that is let go is not sent, and a staged one with the next`() throws {
        let fake = FakeBus()
        let bus = SDKBusTests.host(fake).bus
        let topic = bus.topic("t")
        do {
            var message = try bus.reserve(topic, bytes: 4)
            message.fill { span in span.storeBytes(of: 7, toByteOffset: 0, as: UInt32.self) }
        }
        #expect(fake.sent.isEmpty)
        var first = try bus.reserve(topic, bytes: 3)
        first.write { span in span.append(9 as UInt8) }
        try first.stage()
        #expect(fake.sent.isEmpty)
        try bus.send(topic, [5])
        #expect(fake.sent.map(\.bytes) == [[9, 0, 0], [5]])
    }

    @Test func `A topic without a route is refused`() throws {
        let bus = SDKBusTests.host(FakeBus(topics: ["words"])).bus
        try bus.send(bus.topic("words"), [1])
        #expect(throws: BusFailure.noRoute) { try bus.send(bus.topic("other"), [1]) }
    }

    @Test func `The most urgent is received first, in place, and is there until it is done`() throws
    {
        let fake = FakeBus()
        let bus = SDKBusTests.host(fake).bus
        fake.deliver("t", from: "a", [1])
        fake.deliver("t", from: "b", priority: .high, [2])
        var got: [String] = []
        while let message = try bus.receive(within: .zero) {
            let first = message.withBytes { $0.unsafeLoad(as: UInt8.self) }
            got.append("\(message.from) \(first) \(message.priority) \(message.sequence)")
            let topic = message.topic
            #expect(topic == bus.topic("t"))
        }
        #expect(got == ["b 2 high 0", "a 1 normal 0"])
        #expect(fake.notDone == 2)
        bus.done()
        #expect(fake.notDone == 0)
        let isNothing = try bus.receive(within: .milliseconds(1)) == nil
        #expect(isNothing)
    }

    @Test func `Each message counts once, wherever the plugin dies`() throws {
        struct Sum: BitwiseCopyable { var value = 0 }
        let fake = FakeBus()
        let bus = SDKBusTests.host(fake).bus
        for number in 1...10 { fake.deliver("t", from: "a", [UInt8(number)]) }
        var first = ExactlyOnceReader(bus, initial: Sum())
        #expect(
            try first.read(within: .zero, most: 4) { message, sum in
                sum.value += Int(message.bytes[0])
            } == 4)
        // It dies with two more in its hands.
        for _ in 0..<2 { _ = try bus.receive(within: .zero) }
        fake.crash()
        var second = ExactlyOnceReader(bus, initial: Sum())
        try second.read(within: .zero) { message, sum in sum.value += Int(message.bytes[0]) }
        #expect(second.states.map(\.state.value) == [55])
    }

    @Test func `A request has its reply, or is late`() throws {
        let fake = FakeBus(answer: { $0.bytes == [1] ? [2, 3] : nil })
        let bus = SDKBusTests.host(fake).bus
        #expect(try bus.request(bus.topic("t"), [1], within: .seconds(1)) == [2, 3])
        #expect(throws: BusFailure.late) {
            try bus.request(bus.topic("t"), [9], within: .milliseconds(1))
        }
        fake.deliver("ask", from: "a", wantsReply: true, [4])
        guard let message = try bus.receive(within: .zero) else { return }
        let wantsReply = message.wantsReply
        #expect(wantsReply)
        try message.reply([5])
        message.done()
        #expect(fake.sent.last?.isReply == true)
        #expect(fake.sent.last?.bytes == [5])
    }

    @Test func `Tasks receive without a thread each, and cancelling ends the wait`() async throws {
        let fake = FakeBus()
        let bus = SDKBusTests.host(fake).bus
        for number in 0..<20 { fake.deliver("t", from: "a", [UInt8(number)]) }
        for number in 0..<20 {
            guard let message = try await bus.next() else {
                Issue.record("nothing came")
                return
            }
            let bytes = message.bytes
            #expect(bytes == [UInt8(number)])
            message.done()
        }
        let task = Task { () -> Bool in
            do throws(BusFailure) { return try await bus.next() == nil } catch { return false }
        }
        try await Task.sleep(for: .milliseconds(10))
        task.cancel()
        #expect(await task.value)
    }

    @Test func `On a host that is older than the bus all of it is unavailable`() throws {
        var table = poise_host_functions()
        table.size = 40
        withUnsafePointer(to: table) { table in
            let bus = Bus(border: table)
            #expect(!bus.isAvailable)
            #expect(throws: BusFailure.unavailable) { try bus.send(bus.topic("t"), [1]) }
            bus.done()
            bus.publish()
        }
        #expect(MemoryLayout<poise_host_functions>.offset(of: \.bus_topic) == 40)
    }
}

import Glibc
import PoiseBus
import PoiseModel
import Synchronization
import Testing

@Suite struct EndpointTests {
    @Test func `Each receiver of a broadcast gets each message in order`() throws {
        let bus = TestBus()
        for receiver in ["b", "c", "d"] { try bus.link("a", receiver) }
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b", "c", "d"])])
        for number in 0..<500 { try sender.send(UInt64(number)) }
        for receiver in ["b", "c", "d"] {
            #expect(try bus.endpoint(receiver).takeAll() == (0..<500).map(UInt64.init))
        }
    }

    @Test func `A broadcast goes to all or, when one has no room in time, to none`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        try bus.link("a", "c", ringBytes: 4096, full: .block(.milliseconds(1)))
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b", "c"])])
        var sent = 0
        var failure: SendFailure?
        do throws(SendFailure) {
            while sent < 10_000 {
                try sender.send(UInt64(sent))
                sent += 1
            }
        } catch { failure = error }
        #expect(failure == .full)
        #expect(try bus.endpoint("b").takeAll().count == sent)
        #expect(try bus.endpoint("c").takeAll().count == sent)
    }

    @Test func `Of several receivers of any, one gets each message and all get some`() throws {
        let bus = TestBus()
        for receiver in ["b", "c", "d"] { try bus.link("a", receiver) }
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b", "c", "d"], delivery: .any)])
        for number in 0..<900 { try sender.send(UInt64(number)) }
        let parts = try ["b", "c", "d"].map { try bus.endpoint($0).takeAll() }
        #expect(parts.joined().sorted() == (0..<900).map(UInt64.init))
        // Nobody took any meanwhile, so the least deep link is another one each time.
        for part in parts { #expect(part.count == 300) }
    }

    @Test func `A feature and its canary get their shares`() throws {
        let bus = TestBus()
        for receiver in ["b", "b.canary"] { try bus.link("a", receiver, ringBytes: 1 << 20) }
        let destinations = [("b", 80), ("b.canary", 20)].map { name, share in
            RoutingRow.Destination(link: TestBus.name("r", "a", name), share: share)
        }
        let sender = bus.endpoint("a")
        sender.route(
            by: [RoutingRow(topics: ["t"], members: [destinations], delivery: .broadcast)])
        for number in 0..<10_000 { try sender.send(UInt64(number)) }
        let main = try bus.endpoint("b").takeAll().count
        let canary = try bus.endpoint("b.canary").takeAll().count
        #expect(main + canary == 10_000)
        #expect((1800...2200).contains(canary))
    }

    @Test func `The most urgent message of all links comes first`() throws {
        let bus = TestBus()
        for sender in ["a", "b", "c"] {
            try bus.link(sender, "z")
            bus.endpoint(sender).route(by: [TestBus.row(["t"], from: sender, to: ["z"])])
        }
        try bus.endpoint("a").send(3, "t", .low)
        try bus.endpoint("b").send(2, "t", .normal)
        try bus.endpoint("c").send(1, "t", .urgent)
        #expect(try bus.endpoint("z").takeAll() == [1, 2, 3])
    }

    @Test func `Links of one lane are read in turn`() throws {
        let bus = TestBus()
        for (index, sender) in ["a", "b"].enumerated() {
            try bus.link(sender, "z")
            bus.endpoint(sender).route(by: [TestBus.row(["t"], from: sender, to: ["z"])])
            for _ in 0..<200 { try bus.endpoint(sender).send(UInt64(index)) }
        }
        let numbers = try bus.endpoint("z").takeAll()
        #expect(numbers.count == 400)
        let firstHalf = numbers.prefix(200)
        #expect(firstHalf.contains(0) && firstHalf.contains(1))
        #expect((80...120).contains(firstHalf.count { $0 == 0 }))
    }

    @Test func `A topic without a route, and one without its link, is refused`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        let sender = bus.endpoint("a")
        sender.route(by: [
            TestBus.row(["t"], from: "a", to: ["b"]), TestBus.row(["u"], from: "a", to: ["nobody"]),
        ])
        #expect(throws: SendFailure.noRoute) { try sender.send(1, "other") }
        #expect(throws: SendFailure.noRoute) { try sender.send(1, "u") }
        try sender.send(1)
    }

    @Test func `A thread that has a message reserved is refused another by the same link`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        let room = try sender.reserve(8, topic: BusTopic.number("t"), priority: .low)
        #expect(throws: SendFailure.busy) { try sender.send(1) }
        sender.abort(room.handle)
        try sender.send(2)
        #expect(try bus.endpoint("b").takeAll() == [2])
    }

    @Test func `Many threads send by one link, and each one's order is kept`() throws {
        let bus = TestBus()
        try bus.link("a", "b", ringBytes: 16 << 10)
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        let failures = Atomic(0)
        let threads = (0..<4).map { thread in
            TestThread {
                for number in 0..<20_000 {
                    do throws(SendFailure) {
                        try sender.send(UInt64(thread) << 32 | UInt64(number))
                    } catch { failures.add(1, ordering: .relaxed) }
                }
            }
        }
        var next = [UInt64](repeating: 0, count: 4)
        var wrong = 0
        while next.reduce(0, +) < 80_000 {
            for number in try bus.endpoint("b").takeAll(within: 5_000_000_000) {
                let thread = Int(number >> 32)
                if number & 0xFFFF_FFFF != next[thread] { wrong += 1 }
                next[thread] += 1
            }
        }
        for thread in threads { thread.join() }
        #expect(wrong == 0)
        #expect(failures.load(ordering: .relaxed) == 0)
    }

    @Test func `Staged messages are seen with the next commit or when they are published`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        for number in 0..<3 {
            let room = try sender.reserve(8, topic: BusTopic.number("t"), priority: .normal)
            room.bytes.storeBytes(of: UInt64(number), as: UInt64.self)
            sender.stage(room.handle)
        }
        #expect(try bus.endpoint("b").takeAll() == [])
        sender.publish()
        #expect(try bus.endpoint("b").takeAll() == [0, 1, 2])
        let room = try sender.reserve(8, topic: BusTopic.number("t"), priority: .low)
        room.bytes.storeBytes(of: 3, as: UInt64.self)
        sender.stage(room.handle)
        try sender.send(4, "t", .urgent)
        #expect(try bus.endpoint("b").takeAll() == [4, 3])
    }

    @Test(arguments: [
        (FullRing.block(.milliseconds(2)), SendFailure.full), (.dropNewest, .dropped),
        (.spill(mostBytes: 1 << 20), .full),
    ])
    func `A full ring does what its route says`(_ full: FullRing, _ wanted: SendFailure) throws {
        let bus = TestBus()
        try bus.link("a", "b", ringBytes: 4096, full: full)
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        var failure: SendFailure?
        var sent: [UInt64] = []
        do throws(SendFailure) {
            for number in 0..<1000 {
                try sender.send(UInt64(number))
                sent.append(UInt64(number))
            }
        } catch { failure = error }
        #expect(failure == wanted)
        #expect(try bus.endpoint("b").takeAll() == sent)
        try sender.send(7)
        #expect(try bus.endpoint("b").takeAll() == [7])
    }

    @Test func `A route that drops the oldest keeps the newest, and counts what was missed`() throws
    {
        let bus = TestBus()
        try bus.link("a", "b", ringBytes: 4096, full: .dropOldest)
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        try sender.send(0)
        #expect(try bus.endpoint("b").takeAll() == [0])
        for number in 1...10_000 { try sender.send(UInt64(number)) }
        let got = try bus.endpoint("b").takeAll()
        #expect(got.last == 10_000)
        #expect(got == Array((got.first ?? 0)...10_000))
        #expect(bus.endpoint("b").missed.map(\.count) == [UInt64(10_000 - got.count)])
    }

    @Test func `Changing routes while sending loses nothing and keeps the order`() throws {
        let bus = TestBus()
        for receiver in ["b", "c"] { try bus.link("a", receiver, ringBytes: 16 << 10) }
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        let total = 100_000
        let failures = Atomic(0)
        let ends = Atomic(false)
        let writer = TestThread {
            for number in 0..<total {
                do throws(SendFailure) { try sender.send(UInt64(number)) } catch {
                    failures.add(1, ordering: .relaxed)
                }
            }
        }
        let turner = TestThread {
            var turn = 0
            while !ends.load(ordering: .relaxed) {
                turn += 1
                sender.route(by: [
                    TestBus.row(["t"], from: "a", to: turn % 2 == 0 ? ["b"] : ["c"])
                ])
                usleep(200)
            }
        }
        let got = Mutex<[String: [UInt64]]>([:])
        let readers = ["b", "c"].map { name in
            TestThread {
                let endpoint = bus.endpoint(name)
                while !ends.load(ordering: .relaxed) {
                    do {
                        let numbers = try endpoint.takeAll(within: 10_000_000)
                        got.withLock { $0[name, default: []] += numbers }
                    } catch { failures.add(1, ordering: .relaxed) }
                    if got.withLock({ $0.values.reduce(0) { $0 + $1.count } }) == total {
                        ends.store(true, ordering: .relaxed)
                    }
                }
            }
        }
        for thread in [writer, turner] + readers { thread.join() }
        #expect(failures.load(ordering: .relaxed) == 0)
        let parts = got.withLock { $0 }
        #expect(parts.values.joined().sorted() == (0..<total).map(UInt64.init))
        for part in parts.values { #expect(part == part.sorted()) }
        #expect(parts.count == 2)
    }

    @Test func `A damaged link is told of once, and the others go on`() throws {
        let bus = TestBus()
        let bad = try bus.link("a", "z")
        try bus.link("b", "z")
        for sender in ["a", "b"] {
            bus.endpoint(sender).route(by: [TestBus.row(["t"], from: sender, to: ["z"])])
        }
        try bus.endpoint("b").send(1)
        let memory = try bad.producer(writable: true)
        (memory.base + LinkWords.tails + 16).storeBytes(of: 1 << 40 | 7, as: UInt64.self)
        #expect(try bus.endpoint("z").takeAll() == [1])
        try bus.endpoint("b").send(2)
        #expect(try bus.endpoint("z").takeAll() == [2])
        let damages = bus.damages.withLock { $0 }
        #expect(damages.map(\.link) == ["r:a>z"])
        #expect(damages.map(\.byPeer) == [true])
    }

    @Test func `A sender whose receiver scribbles closes the link and goes on by others`() throws {
        let bus = TestBus()
        let bad = try bus.link("a", "b", ringBytes: 4096)
        try bus.link("a", "c", ringBytes: 1 << 20)
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b", "c"])])
        let memory = try bad.consumer(writable: true)
        for lane in 0..<4 {
            (memory.base + LinkWords.heads + 8 * lane).storeBytes(
                of: 1 << 50 | 3, as: UInt64.self)
        }
        for number in 0..<1000 { try sender.send(UInt64(number)) }
        #expect(try bus.endpoint("c").takeAll().count == 1000)
        #expect(bus.damages.withLock { $0.map(\.link) } == ["r:a>b"])
    }

    @Test func `A link that is left keeps what was not done for who takes it up next`() throws {
        let bus = TestBus()
        let memory = try bus.link("a", "b")
        let sender = bus.endpoint("a")
        let receiver = bus.endpoint("b")
        sender.route(by: [TestBus.row(["t"], from: "a", to: ["b"])])
        for number in 0..<4 { try sender.send(UInt64(number)) }
        for _ in 0..<2 { _ = try receiver.receive(until: 0) }
        receiver.done()
        _ = try receiver.receive(until: 0)
        #expect(receiver.detach("r:a>b"))
        #expect(receiver.settle() == [])
        receiver.done()
        #expect(receiver.settle() == ["r:a>b"])
        try bus.attachReceiver(memory, "a", "c")
        #expect(try bus.endpoint("c").takeAll() == [3])
        #expect(sender.detach("r:a>b"))
        #expect(sender.settle() == ["r:a>b"])
        #expect(throws: SendFailure.noRoute) { try sender.send(9) }
        #expect(!sender.detach("r:a>b"))
    }

    @Test(arguments: BusWait.allCases)
    func `Who waits on many links wakes for any of them`(_ wait: BusWait) throws {
        let bus = TestBus()
        let names = (0..<40).map { "s\($0)" }
        for name in names {
            try bus.link(name, "z", ringBytes: 4096, wait: wait)
            bus.endpoint(name).route(by: [TestBus.row(["t"], from: name, to: ["z"])])
        }
        let thread = TestThread {
            for (index, name) in names.enumerated() {
                usleep(1000)
                do throws(SendFailure) { try bus.endpoint(name).send(UInt64(index)) } catch {}
            }
        }
        var got: [UInt64] = []
        while got.count < 40 {
            let more = try bus.endpoint("z").takeAll(within: 5_000_000_000)
            guard !more.isEmpty else { break }
            got += more
        }
        thread.join()
        #expect(got.sorted() == (0..<40).map(UInt64.init))
    }

    @Test func `Who receives is woken without a message, and may not be two`() throws {
        let bus = TestBus()
        try bus.link("a", "b")
        let receiver = bus.endpoint("b")
        let thread = TestThread {
            usleep(20_000)
            do throws(BusEndpoint.ReceiveFailure) {
                _ = try receiver.receive(until: 0)
            } catch { if error == .busy { receiver.wake() } }
        }
        let isNothing = try receiver.receive(until: .max) == nil
        #expect(isNothing)
        thread.join()
    }
}

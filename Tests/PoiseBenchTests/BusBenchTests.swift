import PoiseBus
import PoiseLinux
import PoiseModel
import Testing

@testable import PoiseBench

/// What the bus benchmark reckons, and that its audit sees what it looks for.
@Suite struct BusBenchTests {
    private func ledger(_ numbers: some Sequence<UInt64>) -> AuditLedger {
        var ledger = AuditLedger()
        for number in numbers { ledger.take(number) }
        return ledger
    }

    @Test(
        arguments: [
            ([], nil), ([3], 3), ([5, 1], 3), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5),
        ] as [([Double], Double?)])
    func `a median is the middle, and of nothing it is unknown`(
        rounds: [Double], median: Double?
    ) {
        #expect(Figure(rounds).median == median)
    }

    @Test func `a whole stream is clean`() {
        let clean = ledger(0..<1000)
        #expect((clean.next, clean.count) == (1000, 1000))
        #expect((clean.lost, clean.duplicated, clean.outOfOrder) == (0, 0, 0))
        #expect(clean.checksum == AuditLedger.checksum(below: 1000))
    }

    @Test(arguments: [UInt64(1), 17, 998])
    func `a lost message is seen`(number: UInt64) {
        let found = ledger((0..<1000).filter { $0 != number })
        #expect((found.lost, found.duplicated, found.outOfOrder) == (1, 0, 0))
        #expect(found.checksum != AuditLedger.checksum(below: 1000))
    }

    @Test(arguments: [UInt64(0), 17, 999])
    func `a message that comes twice is seen`(number: UInt64) {
        let found = ledger(Array(0..<1000) + [number])
        #expect((found.lost, found.duplicated, found.outOfOrder) == (0, 1, 0))
        #expect(found.checksum != AuditLedger.checksum(below: 1000))
    }

    @Test func `messages that change places are out of order and not lost`() {
        let found = ledger([0, 1, 3, 2, 4, 7, 5, 6, 8])
        #expect((found.lost, found.duplicated, found.outOfOrder) == (0, 0, 3))
        #expect(found.next == 9)
    }

    @Test func `a ledger that is kept in a link comes back as it was`() {
        var state = AuditState()
        state.damaged = 3
        for lane in 0..<4 {
            for number in [0, 1, 5, 9, 7, 20] as [UInt64] {
                state.lanes[lane].take(number + UInt64(lane))
            }
        }
        #expect(AuditState.bytes <= RingReader.stateBytes)
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: AuditState.bytes, alignment: 8)
        defer { bytes.deallocate() }
        state.store(bytes)
        #expect(AuditState(UnsafeRawBufferPointer(bytes)) == state)
        #expect(AuditState(UnsafeRawBufferPointer(rebasing: bytes[..<0])) == AuditState())
    }

    @Test(arguments: [0, 3], [0, 1, 2, 3])
    func `a message tells its number, and every flipped byte of it is seen`(
        producer: Int, lane: Int
    ) {
        let stream = AuditStream(producer: producer, lane: lane)
        let other = AuditStream(producer: producer + 1, lane: lane)
        for number in [0, 1, 77, 1 << 40] as [UInt64] {
            let room = UnsafeMutableRawBufferPointer.allocate(
                byteCount: stream.bytes(number), alignment: 8)
            defer { room.deallocate() }
            stream.fill(room, number)
            #expect(stream.number(in: UnsafeRawBufferPointer(room)) == number)
            #expect(other.number(in: UnsafeRawBufferPointer(room)) == nil)
            for index in room.indices {
                room[index] ^= 0x10
                #expect(stream.number(in: UnsafeRawBufferPointer(room)) == nil)
                room[index] ^= 0x10
            }
        }
    }

    /// What comes through a real ring, with a fault between the sender and the ring.
    @Test(arguments: [
        ("none", 0, 0, 0, 0), ("lost", 1, 0, 0, 0), ("twice", 0, 1, 0, 0),
        ("swapped", 0, 0, 1, 0), ("damaged", 1, 0, 0, 1),
    ])
    func `the audit's reader sees what is wrong in a ring`(
        fault: String, lost: Int, duplicated: Int, outOfOrder: Int, damaged: Int
    ) throws {
        let link = try BenchLink(ringBytes: 64 << 10)
        let stream = AuditStream(producer: 0, lane: 2)
        var numbers = Array(UInt64(0)..<50)
        switch fault {
        case "lost": numbers.remove(at: 20)
        case "twice": numbers.insert(20, at: 31)
        case "swapped": numbers.swapAt(20, 21)
        default: break
        }
        let sending = link.descriptors(of: .producer)
        var writer = try RingWriter(
            producer: BusMemory(
                mapping: sending[0].number, bytes: link.layout.producerFileBytes, writable: true),
            consumer: BusMemory(
                mapping: sending[1].number, bytes: link.layout.consumerFileBytes, writable: false),
            layout: link.layout, dropsOldest: false)
        for number in numbers {
            let room = try writer.reserve(stream.bytes(number), topic: 1, priority: .normal)
            let place = try #require(room)
            stream.fill(place, number)
            if fault == "damaged", number == 20 { place[12] ^= 1 }
            writer.commit()
        }
        let receiving = link.descriptors(of: .consumer)
        var reader = try RingReader(
            producer: BusMemory(
                mapping: receiving[0].number, bytes: link.layout.producerFileBytes,
                writable: false),
            consumer: BusMemory(
                mapping: receiving[1].number, bytes: link.layout.consumerFileBytes,
                writable: true),
            layout: link.layout, dropsOldest: false)
        var state = AuditState()
        while let message = try reader.next() { state.take(stream, message.payload) }
        let report = AuditEnds.report(of: [state])
        #expect(report["lost"] == lost)
        #expect(report["duplicated"] == duplicated)
        #expect(report["outOfOrder"] == outOfOrder)
        #expect(report["damaged"] == damaged)
    }

    @Test(arguments: [UInt64(1), 2, 99])
    func `kills are spread over the whole run, and a seed decides them`(seed: UInt64) {
        let plan = AuditPlan(messages: 1_000_000, kills: 100, seed: seed)
        let points = plan.killPoints()
        #expect(points.count == 100)
        #expect(points == points.sorted())
        #expect((points.last ?? .max) < plan.total)
        #expect((points.last ?? 0) > plan.total * 9 / 10)
        #expect(points == plan.killPoints())
        #expect(points != AuditPlan(messages: 1_000_000, kills: 100, seed: seed + 1).killPoints())
        #expect(plan.total >= 1_000_000)
    }

    @Test func `an order is what it was when it comes as words`() {
        for role in BusEndOrder.Role.allCases {
            let order = BusEndOrder(role, ["bytes": 64, "messages": 1 << 40])
            #expect(BusEndOrder(words: order.words) == order)
        }
        for words in [[], ["dance"], ["produce", "bytes"], ["produce", "bytes=x"]] {
            #expect(BusEndOrder(words: words) == nil)
        }
    }

    @Test func `a report is what it was when it comes as text`() {
        var report = EndReport()
        report["started"] = 1 << 60
        report["wrong"] = 0
        #expect(EndReport(text: report.text) == report)
        #expect(EndReport(text: "Segmentation fault\n") == nil)
    }

    @Test func `two cores of one cluster are taken, and one CPU is not enough`() {
        var machine = Machine(name: "m", packages: [], nodes: [], clusters: [], cores: [])
        machine.addCluster(of: 1, .performance, threads: 2, package: 0, cache: "L2")
        machine.addCluster(of: 2, .performance, threads: 2, package: 0, cache: "L2")
        machine.close(packages: 1)
        #expect(
            BusCPUs.choose(of: [0, 1, 2, 3, 4, 5], on: machine)
                == BusCPUs(producer: 2, consumer: 4))
        #expect(BusCPUs.choose(of: [0, 1], on: machine) == BusCPUs(producer: 0, consumer: 1))
        #expect(BusCPUs.choose(of: [3, 9], on: nil) == BusCPUs(producer: 3, consumer: 9))
        #expect(BusCPUs.choose(of: [3], on: machine) == nil)
    }

    @Test func `a ratio is ours over theirs in one mode, and unknown without one of them`() {
        var figures = BusFigures(rounds: 1)
        figures.ours.perSecond[StreamMode.small.name] = Figure([30, 10, 20])
        var peer = QueueFigures(name: "x", title: "x")
        peer.perSecond[StreamMode.small.name] = Figure([10])
        figures.peers = [peer]
        #expect(figures.ratio(to: "x", .small) == 2)
        #expect(figures.ratio(to: "x", .smallBatched) == nil)
        #expect(figures.ratio(to: "y", .small) == nil)
    }
}

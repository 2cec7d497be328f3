import Glibc
import PoiseBus
import PoiseModel
import PoiseTestSupport
import Synchronization
import Testing

/// One producer, one consumer: what is written is read, whole, in order, and once.
@Suite struct RingTests {
    @Test(arguments: 1...20)
    func `what is read is what was written, whatever the sizes, lanes and batches`(
        seed: UInt64
    ) throws {
        let link = try TestLink()
        var writer = try link.writer()
        var reader = try link.reader()
        var random = SplitMix64(seed: seed)
        var waiting: [[[UInt8]]] = [[], [], [], []]
        for _ in 0..<3000 {
            if random.next() % 2 == 0 {
                let lane = Int(random.next() % 4)
                let length = Int(random.next() % UInt64(link.layout.longestPayload + 1))
                let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if try put(&writer, bytes, BusPriority.allCases[lane], random.next() % 3 == 0) {
                    waiting[lane].append(bytes)
                }
            } else {
                writer.publish()
                let got = try take(&reader)
                let first = waiting.firstIndex { !$0.isEmpty }
                guard let got else {
                    #expect(first == nil)
                    continue
                }
                let lane = got.lane
                #expect(waiting[lane].first == got.bytes)
                waiting[lane].removeFirst()
                if random.next() % 2 == 0 { reader.commit() }
            }
        }
    }

    @Test func `a more urgent lane overtakes within a few messages`() throws {
        let link = try TestLink(ringBytes: 64 << 10)
        var writer = try link.writer()
        var reader = try link.reader()
        for number in 0..<200 { _ = try put(&writer, [UInt8(number)], .low) }
        _ = try take(&reader)
        _ = try put(&writer, [77], .urgent)
        var taken = 0
        while let message = try take(&reader) {
            taken += 1
            if message.lane == 0 { break }
        }
        #expect(taken <= RingReader.looksEvery + 1)
    }

    @Test func `a full ring takes no more until something is committed`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        var reader = try link.reader()
        var sent = 0
        while try put(&writer, [UInt8](repeating: 7, count: 100), .normal) { sent += 1 }
        #expect(sent >= 4096 / 144)
        _ = try take(&reader)
        let beforeCommit = try put(&writer, [UInt8](repeating: 7, count: 100), .normal)
        #expect(!beforeCommit)
        reader.commit()
        let afterCommit = try put(&writer, [UInt8](repeating: 7, count: 100), .normal)
        #expect(afterCommit)
    }

    @Test func `a message carries its trace, request and deadline`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        var reader = try link.reader()
        var context = MessageContext()
        context.trace = TraceContext(traceHigh: 1, traceLow: 2, span: 3, flags: 1)
        context.request = 99
        context.isReply = true
        context.deadlineNanoseconds = 12345
        for _ in 0..<3 {
            let room = try writer.reserve(5, topic: 42, priority: .high, context: context)
            room?.copyBytes(from: [1, 2, 3, 4, 5])
            writer.commit()
        }
        for number in 0..<3 {
            let message = try #require(try reader.next())
            #expect(message.context == context)
            #expect(message.topic == 42)
            #expect(message.priority == .high)
            #expect(message.sequence == UInt64(number))
            #expect(Array(message.payload) == [1, 2, 3, 4, 5])
        }
    }

    @Test func `what a producer had not published when it died is not there`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        _ = try put(&writer, [1], .normal)
        _ = try put(&writer, [2], .normal, true)
        let room = try writer.reserve(1, topic: 1, priority: .normal)
        room?.copyBytes(from: [3])
        var second = try link.writer()
        #expect(second.nextSequence(.normal) == 1)
        _ = try put(&second, [4], .normal)
        var reader = try link.reader()
        let first = try take(&reader)
        let next = try take(&reader)
        #expect(first?.bytes == [1])
        #expect(next?.bytes == [4])
    }

    @Test(arguments: 1...10)
    func `a producer that starts again goes on where it was, wherever the ring was`(
        seed: UInt64
    ) throws {
        let link = try TestLink()
        var reader = try link.reader()
        var random = SplitMix64(seed: seed)
        var sent: UInt64 = 0
        for _ in 0..<200 {
            var writer = try link.writer()
            #expect(writer.nextSequence(.high) == sent)
            for _ in 0..<random.next() % 9 {
                let length = Int(random.next() % UInt64(link.layout.longestPayload + 1))
                if try put(&writer, [UInt8](repeating: 1, count: length), .high) { sent += 1 }
            }
            while try take(&reader) != nil {}
            reader.commit()
        }
        #expect(sent > 400)
    }

    @Test func `a consumer that starts again gets what it had not committed`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        for number in 1...5 { _ = try put(&writer, [UInt8(number)], .normal) }
        var reader = try link.reader()
        _ = try take(&reader)
        _ = try take(&reader)
        reader.commit()
        _ = try take(&reader)
        var second = try link.reader()
        let next = try take(&second)
        #expect(next?.bytes == [3])
    }

    @Test func `a state and the messages it was made of are committed in one step`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        for number in 1...9 { _ = try put(&writer, [UInt8(number)], .normal) }
        var sum = 0
        for _ in 0..<3 {
            var reader = try link.reader()
            sum = reader.state.first.map(Int.init) ?? 0
            for _ in 0..<3 { sum += Int(try #require(try take(&reader)).bytes[0]) }
            withUnsafeBytes(of: UInt8(sum)) { reader.commit(state: $0) }
            // Taken and not committed: comes again, and the state knows nothing of it.
            _ = try take(&reader)
        }
        #expect(sum == 45)
        var last = try link.reader()
        let nothing = try take(&last)
        #expect(nothing == nil)
        #expect(Array(last.state) == [45])
    }

    @Test func `who overwrites the oldest keeps the newest and counts what was lost`() throws {
        let link = try TestLink(dropsOldest: true)
        var writer = try link.writer()
        var reader = try link.reader()
        for number in 0..<1000 {
            let done = try put(&writer, Array(bytes(of: number)), .normal)
            #expect(done)
        }
        var got: [Int] = []
        while let message = try take(&reader) { got.append(number(of: message.bytes)) }
        #expect(got.last == 999)
        #expect(got == Array(got[0]...999))
        #expect(got[0] > 0)
        // Nobody ever took one before, so the first ones are known to be missing too.
        #expect(reader.missed == UInt64(got[0]))
        for number in 1000..<2000 { _ = try put(&writer, Array(bytes(of: number)), .normal) }
        var later: [Int] = []
        while let message = try take(&reader) { later.append(number(of: message.bytes)) }
        #expect(later.last == 1999)
        #expect(reader.missed == UInt64(got[0] + later[0] - 1000))
    }

    @Test(arguments: [1, 2, 7, 50, 700, 1000])
    func `who overwrites the oldest may stage more than a ring`(batch: Int) throws {
        let link = try TestLink(dropsOldest: true)
        var reader = try link.reader()
        var got: [Int] = []
        for start in stride(from: 0, to: 3000, by: 1000) {
            // Each time one that takes up what the one before, which was killed, had not published.
            var writer = try link.writer()
            for number in 0..<1000 {
                _ = try put(&writer, Array(bytes(of: start + number)), .low, true)
                if number % batch == batch - 1 { writer.publish() }
                if number % 7 == 5, let message = try take(&reader) {
                    got.append(PoiseBusTests.number(of: message.bytes))
                }
            }
        }
        while let message = try take(&reader) {
            got.append(PoiseBusTests.number(of: message.bytes))
        }
        #expect(got == got.sorted())
        #expect(Set(got).count == got.count)
        #expect(got.count > 100)
    }
}

/// A message by value, for tests.
struct Taken: Equatable {
    var lane: Int
    var bytes: [UInt8]
    var sequence: UInt64
}

func put(
    _ writer: inout RingWriter, _ bytes: [UInt8], _ priority: BusPriority, _ staged: Bool = false
) throws -> Bool {
    guard let room = try writer.reserve(bytes.count, topic: 1, priority: priority) else {
        return false
    }
    room.copyBytes(from: bytes)
    if staged { writer.stage() } else { writer.commit() }
    return true
}

func take(_ reader: inout RingReader) throws -> Taken? {
    guard let message = try reader.next() else { return nil }
    return Taken(
        lane: message.priority.rawValue, bytes: Array(message.payload), sequence: message.sequence)
}

func bytes(of number: Int) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

func number(of bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { $0.load(as: Int.self) } }

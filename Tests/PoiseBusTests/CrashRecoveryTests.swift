import PoiseBus
import PoiseModel
import Testing

/// What a killed end leaves behind is enough for the next one, wherever it was killed.
@Suite struct CrashRecoveryTests {
    private func put(_ writer: inout RingWriter, _ number: UInt64) throws -> Bool {
        guard let room = try writer.reserve(40, topic: 1, priority: .normal) else { return false }
        room.storeBytes(of: number, as: UInt64.self)
        writer.stage()
        return true
    }

    private func takeAll(_ reader: inout RingReader) throws -> [UInt64] {
        var numbers: [UInt64] = []
        while let message = try reader.next() {
            numbers.append(message.payload.loadUnaligned(as: UInt64.self))
        }
        return numbers
    }

    /// The first lap ends at 64 messages of 64 bytes (the stamped one is 16 longer).
    @Test(arguments: [1, 5, 30, 60, 63, 64, 100, 127])
    func `what a dead producer had staged over older records does not hide where it was`(
        published: UInt64
    ) throws {
        let link = try TestLink()
        do {
            var writer = try link.writer()
            var reader = try link.reader()
            var number: UInt64 = 0
            while number < published {
                #expect(try put(&writer, number))
                number += 1
                writer.publish()
                _ = try takeAll(&reader)
                reader.commit()
            }
            // As much as there is room for, which is all of the ring; then it dies.
            while try put(&writer, 1_000_000) {}
        }
        var writer = try link.writer()
        #expect(writer.nextSequence(.normal) == published)
        #expect(try put(&writer, published))
        writer.publish()
        var reader = try link.reader()
        #expect(try takeAll(&reader) == [published])
    }

    @Test func `a consumer that died between its record and its heads gives the room back`() throws
    {
        let link = try TestLink()
        var writer = try link.writer()
        var number: UInt64 = 0
        while try put(&writer, number) { number += 1 }
        writer.publish()
        do {
            var reader = try link.reader()
            #expect(try takeAll(&reader).count == Int(number))
            var state: UInt64 = number
            withUnsafeBytes(of: &state) { reader.commit(state: $0) }
        }
        // It was killed before it told the producer.
        let words = try link.consumer(writable: true)
        for lane in 0..<LinkLayout.lanes {
            words.base.storeBytes(
                of: 0, toByteOffset: LinkWords.heads + 8 * lane, as: UInt64.self)
        }
        #expect(try !put(&writer, number))
        var reader = try link.reader()
        #expect(reader.state.loadUnaligned(as: UInt64.self) == number)
        #expect(try put(&writer, number))
        writer.publish()
        #expect(try takeAll(&reader) == [number])
    }

    @Test func `every message of a route that drops the oldest is taken or missed`() throws {
        let link = try TestLink(dropsOldest: true)
        var writer = try link.writer()
        var reader = try link.reader()
        for number in 0..<UInt64(500) {
            #expect(try put(&writer, number))
            writer.publish()
        }
        let taken = try takeAll(&reader)
        #expect(taken.last == 499)
        #expect(UInt64(taken.count) + reader.missed == 500)
    }
}

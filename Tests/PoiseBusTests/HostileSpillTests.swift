import Glibc
import PoiseModel
import PoiseTestSupport
import Synchronization
import Testing

@testable import PoiseBus

/// A file of waiting messages that was cut or written over: what is whole before that place goes on
/// as it was, and nobody falls over the rest.
@Suite struct HostileSpillTests {
    /// A file with messages, and where each one ends.
    private final class Bench {
        let folder: TemporaryFolder
        var path: String { folder.path + "/spill" }
        private(set) var payloads: [[UInt8]] = []
        private(set) var ends: [Int] = []
        private(set) var bytes: [UInt8] = []

        init(messages: Int, seed: UInt64, longest: Int = 300) throws {
            folder = try TemporaryFolder()
            var random = SplitMix64(seed: seed)
            var file = try open()
            var context = MessageContext()
            context.request = 9
            for _ in 0..<messages {
                let length = Int(random.next() % UInt64(longest))
                let payload = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                let isKept = try payload.withUnsafeBytes {
                    try file.append(
                        $0, topic: 3, context: random.next() % 3 == 0 ? context : nil,
                        nextSequence: 0)
                }
                try #require(isKept)
                payloads.append(payload)
                ends.append(file.bytes)
            }
            bytes = try contents()
            try #require(bytes.count == ends.last)
        }

        func open() throws(BusError) -> SpillFile {
            try SpillFile.open(path: path, mostBytes: 1 << 20, nextSequence: 0)
        }

        func contents() throws -> [UInt8] {
            let stream = try #require(fopen(path, "r"))
            defer { fclose(stream) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = fread(&bytes, 1, bytes.count, stream)
            return Array(bytes[..<count])
        }

        func put(_ bytes: [UInt8]) throws {
            let stream = try #require(fopen(path, "w"))
            try #require(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
            fclose(stream)
        }

        /// Opens the file, adds a message, and takes all of them by a ring.
        func takeAll(adding last: [UInt8]) throws -> [[UInt8]] {
            let link = try TestLink()
            var writer = try link.writer()
            var reader = try link.reader()
            var file = try open()
            let isKept = try last.withUnsafeBytes {
                try file.append(
                    $0, topic: 3, context: nil, nextSequence: writer.nextSequence(.normal))
            }
            try #require(isKept)
            var got: [[UInt8]] = []
            for _ in 0..<1000 where !file.isEmpty {
                _ = try file.drain(into: &writer, .normal)
                while let message = try take(&reader) { got.append(message.bytes) }
                reader.commit()
            }
            let isEmpty = file.isEmpty
            #expect(isEmpty)
            return got
        }
    }

    @Test func `wherever it is cut, the messages that are whole go on`() throws {
        let bench = try Bench(messages: 6, seed: 1, longest: 40)
        for length in 0...bench.bytes.count {
            try bench.put(Array(bench.bytes[..<length]))
            let whole = bench.ends.count { $0 <= length }
            let got = try bench.takeAll(adding: [1, 2, 3])
            #expect(got == bench.payloads[..<whole] + [[1, 2, 3]], "cut at \(length)")
        }
    }

    @Test(arguments: 0..<60)
    func `wherever there is garbage, the messages before it go on`(seed: UInt64) throws {
        let bench = try Bench(messages: 20, seed: seed)
        var random = SplitMix64(seed: seed &+ 77)
        for _ in 0..<10 {
            var bytes = bench.bytes
            let place = Int(random.next() % UInt64(bytes.count))
            HostileSpillTests.spoil(&bytes, place, &random)
            try bench.put(bytes)
            let whole = bench.ends.count { $0 <= place }
            let got = try bench.takeAll(adding: [1, 2, 3])
            #expect(Array(got.prefix(whole)) == Array(bench.payloads[..<whole]))
            #expect(got.last == [1, 2, 3])
            // Bytes of a payload are nobody's business here; but no message has another's length.
            #expect(got.count <= bench.payloads.count + 1)
            for (index, payload) in got.dropLast().enumerated() {
                #expect(payload.count == bench.payloads[index].count)
            }
        }
    }

    private static func spoil(
        _ bytes: inout [UInt8], _ place: Int, _ random: inout SplitMix64
    ) {
        let most = Int(random.next() % 400) + 1
        let end = min(bytes.count, place + most)
        switch random.next() % 5 {
        case 0: bytes[place] ^= 1 << UInt8(random.next() % 8)
        case 1: for index in place..<end { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        case 2: for index in place..<end { bytes[index] = 0 }
        case 3: for index in place..<end { bytes[index] = 0xFF }
        default: bytes.removeSubrange(place..<end)
        }
    }

    @Test func `messages of before do not come again behind later ones`() throws {
        let bench = try Bench(messages: 8, seed: 3)
        try bench.put(bench.bytes + bench.bytes)
        let got = try bench.takeAll(adding: [])
        #expect(got == bench.payloads + [[]])
    }

    @Test func `a message that is too long for a new ring is counted, and the others go on`() throws
    {
        let folder = try TemporaryFolder()
        let link = try TestLink()
        var writer = try link.writer()
        var reader = try link.reader()
        var file = try SpillFile.open(
            path: folder.path + "/spill", mostBytes: 1 << 20, nextSequence: 0)
        for length in [10, 5000, 20] {
            _ = try [UInt8](repeating: 4, count: length).withUnsafeBytes {
                try file.append($0, topic: 1, context: nil, nextSequence: 0)
            }
        }
        let moved = try file.drain(into: &writer, .low)
        #expect(moved == 2)
        let isEmpty = file.isEmpty
        #expect(isEmpty)
        var lengths: [Int] = []
        while let message = try take(&reader) { lengths.append(message.bytes.count) }
        #expect(lengths == [10, 20])
        let words = try link.producer(writable: false)
        let refused = LinkWords.word(words.base, LinkWords.refused, BusPriority.low.rawValue)
            .pointee.load(ordering: .relaxed)
        #expect(refused == 1)
    }
}

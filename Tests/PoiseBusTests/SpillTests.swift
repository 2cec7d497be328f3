import Glibc
import PoiseBus
import PoiseModel
import PoiseTestSupport
import Testing

/// What finds no room in a ring goes to disk and on from there, in order, once.
@Suite struct SpillTests {
    @Test(arguments: 1...10)
    func `messages pass the disk in order and once, also when the producer dies`(
        seed: UInt64
    ) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/spill"
        let link = try TestLink()
        var reader = try link.reader()
        var random = SplitMix64(seed: seed)
        var sent: UInt64 = 0
        var expected: UInt64 = 0
        var deepest = 0
        for _ in 0..<40 {
            // A new producer, as after a crash.
            var writer = try link.writer()
            var spill = try SpillFile.open(
                path: path, mostBytes: 1 << 20, nextSequence: writer.nextSequence(.normal))
            let known = writer.nextSequence(.normal) + UInt64(spill.count)
            #expect(sent == known)
            for _ in 0..<random.next() % 60 {
                let length = 8 + Int(random.next() % 200)
                var bytes = [UInt8](repeating: 0, count: length)
                bytes.withUnsafeMutableBytes { $0.storeBytes(of: sent, as: UInt64.self) }
                var isSent = false
                if spill.isEmpty { isSent = try put(&writer, bytes, .normal) }
                if !isSent {
                    let next = writer.nextSequence(.normal)
                    let isKept = try bytes.withUnsafeBytes {
                        try spill.append($0, topic: 1, context: nil, nextSequence: next)
                    }
                    #expect(isKept)
                }
                sent += 1
            }
            deepest = max(deepest, spill.count)
            for _ in 0..<random.next() % 70 {
                guard let message = try take(&reader) else { break }
                #expect(UInt64(number(of: message.bytes)) == expected)
                expected += 1
            }
            reader.commit()
            if random.next() % 2 == 0 { _ = try spill.drain(into: &writer, .normal) }
        }
        var writer = try link.writer()
        var spill = try SpillFile.open(
            path: path, mostBytes: 1 << 20, nextSequence: writer.nextSequence(.normal))
        while expected < sent {
            _ = try spill.drain(into: &writer, .normal)
            while let message = try take(&reader) {
                #expect(UInt64(number(of: message.bytes)) == expected)
                expected += 1
            }
            reader.commit()
        }
        let isEmpty = spill.isEmpty
        #expect(isEmpty)
        #expect(deepest > 20)
    }

    @Test func `a file that is full says so, and has room again when some went on`() throws {
        let folder = try TemporaryFolder()
        let link = try TestLink()
        var writer = try link.writer()
        var reader = try link.reader()
        var spill = try SpillFile.open(
            path: folder.path + "/spill", mostBytes: 4096, nextSequence: 0)
        let payload = [UInt8](repeating: 5, count: 500)
        func append() throws -> Bool {
            let next = writer.nextSequence(.low)
            return try payload.withUnsafeBytes {
                try spill.append($0, topic: 9, context: nil, nextSequence: next)
            }
        }
        var kept = 0
        while try append() { kept += 1 }
        #expect(kept == 4096 / 532)
        // The first of them go on; the file still has its bytes, and must make room for more.
        var moved = 0
        for _ in 0..<20 {
            moved += try spill.drain(into: &writer, .low)
            while try take(&reader) != nil {}
            reader.commit()
            while try append() { kept += 1 }
        }
        #expect(moved > 50)
        let left = spill.count
        #expect(kept == moved + left)
    }

    @Test func `a message that was cut short is not there`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/spill"
        func spill() throws -> SpillFile {
            try SpillFile.open(path: path, mostBytes: 4096, nextSequence: 0)
        }
        var context = MessageContext()
        context.request = 7
        do {
            var file = try spill()
            for _ in 0..<3 {
                _ = try [UInt8](repeating: 1, count: 100).withUnsafeBytes {
                    try file.append($0, topic: 3, context: context, nextSequence: 0)
                }
            }
            let bytes = file.bytes
            #expect(bytes == 3 * 180)
        }
        truncate(path, off_t(3 * 180 - 1))
        let again = try spill()
        let count = again.count
        #expect(count == 2)
    }
}

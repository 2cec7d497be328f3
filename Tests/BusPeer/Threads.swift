import Glibc
import PoiseBus
import PoiseModel
import Synchronization

/// The ends of a ring as threads that see its memory at one place: what ThreadSanitizer can watch.
enum Threads {
    /// Memory for the two files of a ring; it stays until the process ends.
    private struct Memory: Sendable {
        let first: UInt
        let second: UInt
        let bytes: (first: Int, second: Int)

        init(_ first: Int, _ second: Int) {
            let flags = MAP_SHARED | MAP_ANONYMOUS
            let start = mmap(nil, first + second, PROT_READ | PROT_WRITE, flags, -1, 0)
            self.first = UInt(bitPattern: start)
            self.second = self.first + UInt(first)
            bytes = (first, second)
        }

        private func at(_ address: UInt) -> UnsafeMutableRawPointer {
            guard let start = UnsafeMutableRawPointer(bitPattern: address) else {
                preconditionFailure("no memory")
            }
            return start
        }

        var producer: BusMemory { BusMemory(unowned: at(first), bytes: bytes.first) }
        var consumer: BusMemory { BusMemory(unowned: at(second), bytes: bytes.second) }
    }

    private static let failed = Atomic(false)

    /// `count` messages of each lane of each producer through a link or a shared ring; whether all
    /// came right.
    static func run(_ kind: String, producers: Int, ringBytes: Int, count: UInt64) -> Bool {
        let link = LinkLayout(ringBytes: ringBytes)
        let shared = SharedLayout(ringBytes: ringBytes)
        let isShared = kind == "shared"
        let memory = Memory(
            isShared ? shared.dataFileBytes : link.producerFileBytes, link.consumerFileBytes)
        let most = link.longestPayload
        var threads = (0..<producers).map { index in
            start {
                var random = SplitMix64(seed: UInt64(index))
                if isShared {
                    var end = try SharedRingWriter(
                        data: memory.producer, consumer: memory.consumer, layout: shared,
                        owner: index)
                    try Traffic.send(
                        &end, producer: index, count: count, most: most, random: &random)
                } else {
                    var end = try RingWriter(
                        producer: memory.producer, consumer: memory.consumer, layout: link,
                        dropsOldest: false)
                    try Traffic.send(&end, producer: 0, count: count, most: most, random: &random)
                }
            }
        }
        threads.append(
            start {
                var random = SplitMix64(seed: 1000)
                if isShared {
                    var end = try SharedRingReader(
                        data: memory.producer, consumer: memory.consumer, layout: shared)
                    try Traffic.receive(
                        &end, producers: producers, count: count, most: most, random: &random)
                } else {
                    var end = try RingReader(
                        producer: memory.producer, consumer: memory.consumer, layout: link,
                        dropsOldest: false)
                    try Traffic.receive(
                        &end, producers: 1, count: count, most: most, random: &random)
                }
            })
        for thread in threads { pthread_join(thread, nil) }
        return !failed.load(ordering: .relaxed)
    }

    private final class Body {
        let run: () throws -> Void

        init(_ run: @escaping () throws -> Void) { self.run = run }
    }

    private static func start(_ run: @escaping @Sendable () throws -> Void) -> pthread_t {
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run)).toOpaque()
        pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                do {
                    try Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                } catch {
                    say("bus-peer: \(error)\n")
                    Threads.failed.store(true, ordering: .relaxed)
                }
                return nil
            }, body)
        return thread
    }
}

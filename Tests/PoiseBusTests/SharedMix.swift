import PoiseModel

@testable import PoiseBus

/// Some producers and a consumer of a shared ring in one thread, in an order that a seed decides:
/// messages of all sizes, claims held while others go on, given up, and ends that die.
struct SharedMix: ~Copyable {
    private let ring: TestShared
    private var random: SplitMix64
    private var reader: SharedRingReader
    private let writers: UnsafeMutablePointer<SharedRingWriter>
    private static let count = 3
    /// What each holds in each moment: nil when nothing.
    private var held: [(lane: Int, bytes: [UInt8])?] = [nil, nil, nil]
    /// Messages sent and not yet committed by the consumer, by producer and lane.
    private var sent: [[[UInt8]]] = .init(repeating: [], count: 12)
    private var taken: [[[UInt8]]] = .init(repeating: [], count: 12)
    private(set) var received = 0
    private(set) var wrong: String?

    init(_ ring: TestShared, seed: UInt64) throws {
        self.ring = ring
        random = SplitMix64(seed: seed)
        reader = try ring.reader()
        writers = .allocate(capacity: SharedMix.count)
        for index in 0..<SharedMix.count { (writers + index).initialize(to: ring.writer(index)) }
    }

    deinit {
        writers.deinitialize(count: SharedMix.count)
        writers.deallocate()
    }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    mutating func step() throws {
        let index = below(SharedMix.count)
        switch below(100) {
        case 0..<40: try reserve(index)
        case 40..<62: finish(index)
        case 62..<64: abort(index)
        case 64..<66: die(index)
        case 66..<94: try take()
        case 94..<98: commit()
        default: try restart()
        }
    }

    private mutating func reserve(_ index: Int) throws {
        guard held[index] == nil else { return }
        let lane = below(4)
        let bytes = (0..<below(ring.layout.longestPayload + 1)).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        let room = try writers[index].reserve(
            bytes.count, topic: 9, priority: BusPriority.allCases[lane])
        guard let room else { return }
        room.copyBytes(from: bytes)
        held[index] = (lane, bytes)
    }

    private mutating func finish(_ index: Int) {
        guard let (lane, bytes) = held[index] else { return }
        held[index] = nil
        if writers[index].commit() {
            sent[index * 4 + lane].append(bytes)
        } else {
            wrong = "a commit failed"
        }
    }

    private mutating func abort(_ index: Int) {
        writers[index].abort()
        held[index] = nil
    }

    /// The next one with its number takes its place: nothing was said by the old one.
    private mutating func die(_ index: Int) {
        SharedRing.abandon(owner: index, in: SharedMap(ring.data, ring.layout))
        (writers + index).deinitialize(count: 1)
        (writers + index).initialize(to: ring.writer(index))
        held[index] = nil
    }

    private mutating func take() throws {
        guard let message = try reader.next() else { return }
        let index = message.producerIndex * 4 + message.priority.rawValue
        let bytes = Array(message.payload)
        guard sent[index].first == bytes else {
            wrong = "message \(message.sequence) of \(index) is not the one that was sent"
            return
        }
        taken[index].append(sent[index].removeFirst())
        received += 1
    }

    private mutating func commit() {
        reader.commit()
        for index in taken.indices { taken[index] = [] }
    }

    /// What was not committed comes again.
    private mutating func restart() throws {
        reader = try ring.reader()
        for index in taken.indices {
            sent[index] = taken[index] + sent[index]
            taken[index] = []
        }
    }

    mutating func drain() throws {
        for index in 0..<SharedMix.count { finish(index) }
        for _ in 0..<10_000 where sent.contains(where: { !$0.isEmpty }) {
            try take()
            commit()
        }
        if sent.contains(where: { !$0.isEmpty }) { wrong = "something is lost" }
    }
}

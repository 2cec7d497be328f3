package import PoiseModel

/// A message as it was seen to pass.
package struct ObservedMessage: Sendable, Equatable {
    package var topic: UInt32
    package var priority: BusPriority
    package var sequence: UInt64
    /// Bytes of the payload.
    package var bytes: Int
    /// Whether the ring has only the place of the payload, which lies in the arena.
    package var isInArena: Bool
    package var context: MessageContext?
    /// When it was sent, for one in many; on the monotonic clock.
    package var sentNanoseconds: UInt64?
    package var producerIndex: Int
    /// The first bytes of the payload, as many as were asked for; of one in the arena, none.
    package var firstBytes: [UInt8]
}

/// Follows the messages of a link from outside, as they pass.
///
/// It takes nothing and holds nobody up: what was overwritten before it was copied is a gap. A copy
/// counts only when afterwards nothing can have been written over it: it is not committed yet, or
/// (`dropOldest`) not given up yet, or less than half a ring was published since and its header is
/// still there. Who publishes more than half a ring in one batch may so be shown with bytes of
/// later messages; nothing that matters is decided by what is seen here.
package struct RingObserver {
    private let producer: ObservedMemory
    private let consumer: ObservedMemory
    private let layout: LinkLayout
    private let dropsOldest: Bool
    private let mask: UInt64
    /// Of each lane: where the next record begins, and its number where that is known.
    private var positions: [UInt64]
    private var expected: [UInt64?]
    /// Messages that could not be followed, so far.
    package private(set) var missed: UInt64 = 0

    /// So many records of a lane are walked in one go.
    package static let mostRecords = 4096

    /// Maps the producer's file and the consumer's words, and begins with what comes next.
    package init(
        producer: Int32, consumer: Int32, layout: LinkLayout, dropsOldest: Bool
    ) throws(BusError) {
        self.producer = try ObservedMemory(producer, bytes: layout.producerFileBytes)
        self.consumer = try ObservedMemory(consumer, bytes: LinkLayout.pageBytes)
        self.layout = layout
        self.dropsOldest = dropsOldest
        mask = UInt64(layout.ringBytes - 1)
        positions = []
        expected = []
        for lane in 0..<LinkLayout.lanes {
            // What is no place of a record is told when the lane is followed.
            positions.append(self.producer.load(LinkWords.tails, lane) & ~15)
            expected.append(self.producer.load(LinkWords.sent, lane))
        }
    }

    /// What has passed since the last call, each lane in its order, the most urgent lane first.
    ///
    /// - Parameters:
    ///   - most: so many messages at most; the rest is seen with the next call, or is a gap then.
    ///   - firstBytes: so many bytes of each payload are copied.
    ///   - isWanted: whether messages of a topic are.
    package mutating func follow(
        most: Int, firstBytes: Int, isWanted: (UInt32) -> Bool
    ) throws(BusError) -> [ObservedMessage] {
        var messages: [ObservedMessage] = []
        for lane in 0..<LinkLayout.lanes {
            try follow(lane, most, firstBytes, isWanted, &messages)
        }
        return messages
    }

    private mutating func follow(
        _ lane: Int, _ most: Int, _ firstBytes: Int, _ isWanted: (UInt32) -> Bool,
        _ messages: inout [ObservedMessage]
    ) throws(BusError) {
        var tail = producer.load(LinkWords.tails, lane)
        for _ in 0..<RingObserver.mostRecords where messages.count < most {
            let position = positions[lane]
            guard position != tail else { return }
            guard tail & 15 == 0 else {
                throw .damaged(by: .producer, "lane \(lane) ends at \(tail)")
            }
            guard tail &- position <= UInt64(layout.ringBytes) else {
                tail = resume(lane)
                continue
            }
            let copy = record(lane, position, firstBytes)
            guard isStillThere(lane, position, copy) else {
                let again = resume(lane)
                // A second time at the same place would be for ever.
                guard positions[lane] > position else { return positions[lane] = again }
                tail = again
                continue
            }
            guard copy.size > 0, copy.size <= mask &+ 1 &- (position & mask) else {
                throw .damaged(by: .producer, "lane \(lane) has no record at \(position)")
            }
            positions[lane] = position &+ copy.size
            guard let message = copy.message else { continue }
            note(message.sequence, lane)
            if isWanted(message.topic) { messages.append(message) }
        }
    }

    /// Goes on at the beginning of the lap under way, where a record always begins; gives the tail.
    private mutating func resume(_ lane: Int) -> UInt64 {
        let tail = producer.load(LinkWords.tails, lane)
        positions[lane] = tail == 0 ? 0 : (tail &- 1) & ~mask
        return tail
    }

    private mutating func note(_ sequence: UInt64, _ lane: Int) {
        if let due = expected[lane], sequence != due & Record.sequenceMask {
            let gap = (sequence &- due) & Record.sequenceMask
            // One from before is a lap that is seen twice.
            if gap < 1 << 40 { missed &+= gap }
        }
        expected[lane] = sequence &+ 1
    }
}

extension RingObserver {
    private struct Copy {
        var first: UInt64
        var second: UInt64
        /// Bytes to the next record; 0 when this is none.
        var size: UInt64
        /// Nil for padding.
        var message: ObservedMessage?
    }

    private func ring(_ lane: Int, _ position: UInt64) -> UnsafeRawPointer {
        let start = producer.base + LinkLayout.pageBytes + lane * layout.ringBytes
        return UnsafeRawPointer(start + Int(position & mask))
    }

    private func record(_ lane: Int, _ position: UInt64, _ firstBytes: Int) -> Copy {
        let start = ring(lane, position)
        let (first, second) = (Record.word(start, 0), Record.word(start, 1))
        let flags = second >> 48 & 0xFF
        let toEnd = mask &+ 1 &- (position & mask)
        if flags & Record.padding != 0 {
            return Copy(first: first, second: second, size: toEnd, message: nil)
        }
        let bytes = Int(first & 0xFFFF_FFFF)
        let size = Record.aligned(Record.lead(flags) &+ UInt64(bytes))
        guard bytes <= layout.longestPayload, size <= toEnd,
            let priority = BusPriority(rawValue: lane)
        else { return Copy(first: first, second: second, size: 0, message: nil) }
        var at = start + Record.headerBytes
        var sent: UInt64?
        if flags & Record.hasStamp != 0 {
            sent = at.load(as: UInt64.self)
            at += Record.stampBytes
        }
        var context: MessageContext?
        if flags & Record.hasContext != 0 {
            context = Record.context(at: at)
            at += Record.contextBytes
        }
        let payload = UnsafeRawBufferPointer(start: at, count: min(bytes, firstBytes))
        let isInArena = flags & Record.inArena != 0
        let isReference = isInArena && bytes == ArenaReference.bytes
        let message = ObservedMessage(
            topic: UInt32(truncatingIfNeeded: first >> 32), priority: priority,
            sequence: second & Record.sequenceMask,
            bytes: isReference ? Int(clamping: Record.word(at, 1)) : bytes, isInArena: isInArena,
            context: context, sentNanoseconds: sent,
            producerIndex: Int(second >> 56), firstBytes: isInArena ? [] : Array(payload))
        return Copy(first: first, second: second, size: size, message: message)
    }

    private func isStillThere(_ lane: Int, _ position: UInt64, _ copy: Copy) -> Bool {
        if dropsOldest { return producer.load(LinkWords.floors, lane) <= position }
        if consumer.load(LinkWords.heads, lane) <= position { return true }
        let start = ring(lane, position)
        guard Record.word(start, 0) == copy.first, Record.word(start, 1) == copy.second else {
            return false
        }
        let tail = producer.load(LinkWords.tails, lane)
        return tail &- position <= UInt64(layout.ringBytes / 2)
    }
}

import PoiseModel
import Synchronization

/// Looks in a link's memory for what no honest side writes, whatever either says of the other.
package struct LinkInspection {
    private let producer: ObservedMemory
    private let consumer: ObservedMemory
    private let layout: LinkLayout
    private let isShared: Bool
    /// So many records of a lane are looked at.
    private static let mostRecords = 1 << 16

    package init(
        producer: Int32, consumer: Int32, layout: LinkLayout, isShared: Bool = false
    ) throws(BusError) {
        self.isShared = isShared
        let bytes = isShared ? LinkLayout.pageBytes : layout.producerFileBytes
        self.producer = try ObservedMemory(producer, bytes: bytes)
        self.consumer = try ObservedMemory(consumer, bytes: LinkLayout.pageBytes)
        self.layout = layout
    }

    /// Who wrote what cannot be, judged by what that side alone wrote; nil when nothing is found.
    /// Where two sides contradict each other it cannot be told who is wrong, and what lies where a
    /// producer may be writing at this moment is held against nobody.
    package func damage() -> (side: BusError.Side, text: String)? {
        for lane in 0..<LinkLayout.lanes {
            let head = consumer.load(LinkWords.heads, lane)
            let unit = isShared ? UInt64(SharedLayout.granuleBytes) : 16
            if head & (unit - 1) != 0 {
                return (.consumer, "lane \(lane) is taken up to \(head), inside of a message")
            }
            // Of many producers it could not be told which one it was.
            if isShared { continue }
            if let text = damage(lane) { return (.producer, text) }
        }
        return nil
    }

    /// Of a lane: its two ends, then the records of the lap under way, which begins with one.
    private func damage(_ lane: Int) -> String? {
        let mask = UInt64(layout.ringBytes - 1)
        // A floor never passes the tail that is seen after it, and is never more than a ring behind
        // one that was seen before it.
        let before = producer.load(LinkWords.floors, lane)
        let tail = producer.load(LinkWords.tails, lane)
        let floor = producer.load(LinkWords.floors, lane)
        guard tail > 0 else { return before > 0 ? "lane \(lane) begins at \(before) of 0" : nil }
        guard tail & 15 == 0 else { return "lane \(lane) ends at \(tail), inside of a message" }
        if before > tail { return "lane \(lane) begins at \(before), behind its end at \(tail)" }
        // 0: it may be none that is ever raised.
        if floor > 0, floor < tail, tail &- floor > mask &+ 1 {
            return "lane \(lane) begins at \(floor), more than a ring before its end at \(tail)"
        }
        return damagedRecord(lane, tail)
    }

    private func damagedRecord(_ lane: Int, _ tail: UInt64) -> String? {
        let mask = UInt64(layout.ringBytes - 1)
        let start = producer.base + LinkLayout.pageBytes + lane * layout.ringBytes
        var position = (tail &- 1) & ~mask
        var next: UInt64?
        for _ in 0..<LinkInspection.mostRecords where position < tail {
            let record = UnsafeRawPointer(start + Int(position & mask))
            let (first, second) = (Record.word(record, 0), Record.word(record, 1))
            atomicMemoryFence(ordering: .acquiring)
            // An honest producer may have come round, and be writing over what was taken or given
            // up; then the records are not those of this lap.
            let free = max(
                producer.load(LinkWords.floors, lane), consumer.load(LinkWords.heads, lane))
            let sequence = second & Record.sequenceMask
            let flags = second >> 48 & 0xFF
            let bytes = first & 0xFFFF_FFFF
            let toEnd = mask &+ 1 &- (position & mask)
            let isPadding = flags & Record.padding != 0
            let size = isPadding ? toEnd : Record.aligned(Record.lead(flags) &+ bytes)
            if size > toEnd || size > tail &- position || flags > 15 {
                guard position >= free else { return nil }
                return "lane \(lane) has a message of \(bytes) bytes at \(position) of \(tail)"
            }
            if !isPadding {
                if let next, sequence != next { return nil }
                next = (sequence &+ 1) & Record.sequenceMask
            }
            position &+= size
        }
        return nil
    }
}

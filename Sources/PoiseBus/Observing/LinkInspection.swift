import PoiseModel

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
    /// Where two sides contradict each other it cannot be told who is wrong.
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

    /// Walks the records of the lap under way, which begins with one.
    private func damage(_ lane: Int) -> String? {
        let mask = UInt64(layout.ringBytes - 1)
        let tail = producer.load(LinkWords.tails, lane)
        guard tail > 0 else { return nil }
        guard tail & 15 == 0 else { return "lane \(lane) ends at \(tail), inside of a message" }
        if producer.load(LinkWords.floors, lane) > tail {
            return "lane \(lane) begins behind its end at \(tail)"
        }
        let start = producer.base + LinkLayout.pageBytes + lane * layout.ringBytes
        var position = (tail &- 1) & ~mask
        for _ in 0..<LinkInspection.mostRecords where position < tail {
            let record = UnsafeRawPointer(start + Int(position & mask))
            let flags = Record.word(record, 1) >> 48 & 0xFF
            let bytes = Record.word(record, 0) & 0xFFFF_FFFF
            let toEnd = mask &+ 1 &- (position & mask)
            let isPadding = flags & Record.padding != 0
            let size = isPadding ? toEnd : Record.aligned(Record.lead(flags) &+ bytes)
            if size > toEnd || size > tail &- position || flags > 15 {
                // An honest producer may have come round and be writing there.
                let now = producer.load(LinkWords.tails, lane)
                if now &- position > UInt64(layout.ringBytes / 2), now != tail { return nil }
                return "lane \(lane) has a message of \(bytes) bytes at \(position) of \(tail)"
            }
            position &+= size
        }
        return nil
    }
}

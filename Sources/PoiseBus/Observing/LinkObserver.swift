import PoiseModel

/// Looks at a link from outside. It reads only, so neither side notices.
package struct LinkObserver {
    private let producer: ObservedMemory
    private let consumer: ObservedMemory
    private let layout: LinkLayout
    private let isShared: Bool

    /// Maps the words of both files, not the rings.
    package init(
        producer: Int32, consumer: Int32, layout: LinkLayout, isShared: Bool = false
    ) throws(BusError) {
        self.isShared = isShared
        // The words of a shared ring have a line for each producer after them.
        let bytes = isShared ? SharedLayout.cells : LinkLayout.pageBytes
        self.producer = try ObservedMemory(producer, bytes: bytes)
        self.consumer = try ObservedMemory(consumer, bytes: LinkLayout.pageBytes)
        self.layout = layout
    }

    /// What is counted now. What the consumer has done is read first, so that it never seems to
    /// have done more than was sent.
    package func counters() -> LinkCounters {
        let lanes = (0..<LinkLayout.lanes).map { lane in
            let head = consumer.load(LinkWords.heads, lane)
            let taken = consumer.load(LinkWords.taken, lane)
            let missed = consumer.load(LinkWords.missed, lane)
            return LinkCounters.Lane(
                tail: tail(lane, head), head: head,
                floor: isShared ? 0 : producer.load(LinkWords.floors, lane), sent: sent(lane),
                taken: taken,
                droppedOldest: producer.load(LinkWords.droppedOldest, lane),
                droppedNewest: producer.load(LinkWords.droppedNewest, lane),
                refused: producer.load(LinkWords.refused, lane),
                spilled: producer.load(LinkWords.spilled, lane),
                blockedNanoseconds: producer.load(LinkWords.blockedNanoseconds, lane),
                missed: missed)
        }
        return LinkCounters(
            lanes: lanes, ringBytes: layout.ringBytes, wakes: producer.load(LinkWords.wakes),
            sleeps: consumer.load(LinkWords.sleeps),
            producerSleeps: isShared
                ? nil : producer.loadSmall(LinkWords.producerSleep) & 1 == 1,
            consumerSleeps: consumer.loadSmall(LinkWords.consumerSleep) & 1 == 1,
            waits: (0..<WaitHistogram.buckets).map { consumer.load(LinkWords.waits, $0) })
    }

    /// Where what was sent ends. In a shared ring positions count granules and go round: it is as
    /// far from the head as claims go, those included that hold no message yet, or never will.
    private func tail(_ lane: Int, _ head: UInt64) -> UInt64 {
        guard isShared else { return producer.load(LinkWords.tails, lane) }
        let claims = Claim(
            bits: producer.load(SharedLayout.tails + lane * SharedLayout.tailStride))
        return head &+ Claim.distance(from: head >> 6, to: claims.position) << 6
    }

    private func sent(_ lane: Int) -> UInt64 {
        guard isShared else { return producer.load(LinkWords.sent, lane) }
        return (0..<SharedLayout.mostProducers).reduce(0) { sum, owner in
            sum &+ producer.load(SharedLayout.slots + owner * 64 + lane * 16 + 8)
        }
    }
}

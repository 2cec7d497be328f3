import PoiseModel

/// Looks at a link from outside. It reads only, so neither side notices.
package struct LinkObserver {
    private let producer: ObservedMemory
    private let consumer: ObservedMemory
    private let layout: LinkLayout

    /// Maps the words of both files, not the rings.
    package init(
        producer: Int32, consumer: Int32, layout: LinkLayout
    ) throws(BusError) {
        self.producer = try ObservedMemory(producer, bytes: LinkLayout.pageBytes)
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
                tail: producer.load(LinkWords.tails, lane), head: head,
                floor: producer.load(LinkWords.floors, lane),
                sent: producer.load(LinkWords.sent, lane), taken: taken,
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
            producerSleeps: producer.loadSmall(LinkWords.producerSleep) & 1 == 1,
            consumerSleeps: consumer.loadSmall(LinkWords.consumerSleep) & 1 == 1,
            waits: (0..<WaitHistogram.buckets).map { consumer.load(LinkWords.waits, $0) })
    }
}

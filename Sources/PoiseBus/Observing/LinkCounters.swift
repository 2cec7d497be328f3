import PoiseModel

/// What the two sides of a link have counted, as it was read from outside.
///
/// Each side writes its own numbers, so they are claims: what cannot be is nil.
package struct LinkCounters: Sendable, Equatable {
    /// The numbers of one lane, all since the link was made.
    package struct Lane: Sendable, Equatable {
        /// Bytes published, headers and padding included.
        package var tail: UInt64
        /// Bytes that the consumer has committed.
        package var head: UInt64
        /// Where the oldest message begins that is still there (`dropOldest` only, else 0).
        package var floor: UInt64
        /// Messages published.
        package var sent: UInt64
        /// Messages committed by the consumer.
        package var taken: UInt64
        package var droppedOldest: UInt64
        package var droppedNewest: UInt64
        /// Not sent, since there was no room in time.
        package var refused: UInt64
        /// Went by way of the disk.
        package var spilled: UInt64
        /// Nanoseconds that the producer waited for room.
        package var blockedNanoseconds: UInt64
        /// Dropped before the consumer had read them, as it saw it.
        package var missed: UInt64
    }

    /// Of each priority, the most urgent first.
    package var lanes: [Lane]
    /// Bytes of one lane's ring.
    package var ringBytes: Int
    /// How often the producer woke the consumer.
    package var wakes: UInt64
    /// How often the consumer slept.
    package var sleeps: UInt64
    /// Nil: of a shared ring it is not known.
    package var producerSleeps: Bool?
    package var consumerSleeps: Bool
    /// How long sampled messages lay in the ring: counts of `WaitHistogram`.
    package var waits: [UInt64]

    package init(
        lanes: [Lane], ringBytes: Int, wakes: UInt64, sleeps: UInt64, producerSleeps: Bool?,
        consumerSleeps: Bool, waits: [UInt64]
    ) {
        self.lanes = lanes
        self.ringBytes = ringBytes
        self.wakes = wakes
        self.sleeps = sleeps
        self.producerSleeps = producerSleeps
        self.consumerSleeps = consumerSleeps
        self.waits = waits
    }

    /// Bytes that wait to be read, headers and padding included; nil when the cursors of a lane
    /// cannot be.
    package var depthBytes: Int? {
        var sum = 0
        for lane in lanes {
            guard let depth = lane.depthBytes(ring: ringBytes) else { return nil }
            sum += depth
        }
        return sum
    }

    /// Messages that wait to be read; nil when what the sides say does not fit together.
    package var depth: Int? {
        var sum = 0
        for lane in lanes {
            guard let depth = lane.depth(ring: ringBytes) else { return nil }
            sum += depth
        }
        return sum
    }

    /// Whether nothing waits to be read; nil as for `depthBytes`.
    package var isEmpty: Bool? { depthBytes.map { $0 == 0 } }

    package func sum(_ number: KeyPath<Lane, UInt64>) -> UInt64 {
        lanes.reduce(0) { $0 &+ $1[keyPath: number] }
    }
}

extension LinkCounters.Lane {
    /// Bytes between the cursors; nil when they cannot be.
    package func depthBytes(ring: Int) -> Int? {
        let start = max(head, floor)
        guard start <= tail, tail - start <= UInt64(ring) else { return nil }
        return Int(tail - start)
    }

    /// Messages between the cursors. The two sides count at their own time, and the number of
    /// messages is believed only as far as their bytes have room for them.
    package func depth(ring: Int) -> Int? {
        guard let bytes = depthBytes(ring: ring) else { return nil }
        // What was overwritten is counted by the producer, and later by the consumer.
        let done = taken &+ max(missed, floor == 0 ? 0 : droppedOldest)
        guard sent >= done else { return bytes == 0 ? 0 : nil }
        let most = bytes / Record.headerBytes
        let waiting = sent - done
        guard waiting <= UInt64(most) else { return bytes == 0 ? 0 : nil }
        return Int(waiting)
    }
}

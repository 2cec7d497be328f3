import CLinux
package import PoiseModel
import Synchronization

/// The producer's end of a link: one thread at a time, no lock, no system call unless the other
/// side sleeps.
package struct RingWriter: ~Copyable {
    package let layout: LinkLayout
    /// Who has no room overwrites what was sent first, read or not.
    package let dropsOldest: Bool
    /// One message in so many of a lane is stamped with the time; a power of two.
    package static let stampEvery: UInt64 = 256

    @usableFromInline
    struct Lane {
        @usableFromInline var ring: UnsafeMutableRawPointer
        /// Where the next record begins.
        @usableFromInline var tail: UInt64
        /// What the consumer was last seen to have taken, or where the oldest message begins.
        @usableFromInline var head: UInt64
        @usableFromInline var sequence: UInt64
        /// What the consumer can see.
        @usableFromInline var published: UInt64
        /// Where the reserved record ends; 0 when none is.
        @usableFromInline var pending: UInt64 = 0

        init(ring: UnsafeMutableRawPointer) {
            self.ring = ring
            tail = 0
            head = 0
            sequence = 0
            published = 0
        }
    }

    private let producer: BusMemory
    private let consumer: BusMemory
    @usableFromInline let tails: UnsafeMutableRawPointer
    @usableFromInline let consumerSleep: WaitWord
    @usableFromInline let lanes: UnsafeMutablePointer<Lane>
    @usableFromInline let mask: UInt64
    @usableFromInline let longest: Int
    @usableFromInline let isRemote: Bool
    /// The lane that the reserved record is in.
    @usableFromInline var lane = 0
    /// What the last `reserve` that gave nothing would have needed.
    private var wanted = (lane: 0, bytes: UInt64(0))
    @usableFromInline var rung: UInt32 = 0

    /// Takes up a link where its last producer left it: what that one had not published is not
    /// there. `producer` is mapped writable, `consumer` readable.
    package init(
        producer: consuming BusMemory, consumer: consuming BusMemory, layout: LinkLayout,
        dropsOldest: Bool
    ) throws(BusError) {
        self.layout = layout
        self.dropsOldest = dropsOldest
        mask = UInt64(layout.ringBytes - 1)
        longest = layout.longestPayload
        isRemote = Barrier.isRemote
        tails = producer.base + LinkWords.tails
        consumerSleep = LinkWords.waitWord(consumer.base, LinkWords.consumerSleep)
        lanes = .allocate(capacity: LinkLayout.lanes)
        for index in 0..<LinkLayout.lanes {
            let ring = producer.base + LinkLayout.pageBytes + index * layout.ringBytes
            (lanes + index).initialize(to: Lane(ring: ring))
        }
        self.producer = producer
        self.consumer = consumer
        for index in 0..<LinkLayout.lanes { try recover(index) }
        // One that died asleep is awake again.
        let sleep = LinkWords.waitWord(self.producer.base, LinkWords.producerSleep)
        let epoch = sleep.pointee.load(ordering: .relaxed)
        if epoch & 1 == 1 { sleep.pointee.store(epoch &+ 1, ordering: .releasing) }
        // One that died after it published may not have rung.
        callConsumer()
    }

    deinit { lanes.deallocate() }

    /// Room for a message of so many bytes, in place; nil when there is none now. `commit`, `stage`
    /// or `abort` follows before the next one.
    @inlinable @inline(__always)
    package mutating func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        let own = lanes + priority.rawValue
        let tail = own.pointee.tail
        let size = Record.aligned(UInt64(truncatingIfNeeded: bytes &+ Record.headerBytes))
        let end = tail &+ size
        // All but the rare cases; those that cannot be have a size beyond every ring.
        guard UInt(bitPattern: bytes) <= UInt(bitPattern: longest),
            size &+ (tail & mask) <= mask &+ 1,
            end &- own.pointee.head <= mask &+ 1,
            own.pointee.sequence & (RingWriter.stampEvery &- 1) != 0
        else {
            return try reserve(
                bytes, topic: topic, priority: priority, context: nil, inArena: false)
        }
        let record = own.pointee.ring + Int(truncatingIfNeeded: tail & mask)
        Record.store(
            record, Record.lengthWord(bytes, topic), own.pointee.sequence & Record.sequenceMask)
        own.pointee.pending = end
        lane = priority.rawValue
        return UnsafeMutableRawBufferPointer(start: record + Record.headerBytes, count: bytes)
    }

    /// As above, for a message that carries more than its payload, or whose payload is a reference
    /// into the arena.
    package mutating func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority, context: MessageContext?,
        inArena: Bool = false
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        guard bytes >= 0, bytes <= longest else { throw .tooLong(bytes: bytes, most: longest) }
        let index = priority.rawValue
        let own = lanes + index
        let flags =
            (own.pointee.sequence & (RingWriter.stampEvery - 1) == 0 ? Record.hasStamp : 0)
            | (context == nil ? 0 : Record.hasContext) | (inArena ? Record.inArena : 0)
        let size = Record.aligned(Record.lead(flags) &+ UInt64(bytes))
        var start = own.pointee.tail
        let toEnd = mask &+ 1 &- (start & mask)
        let need = size <= toEnd ? size : toEnd &+ size
        if start &+ need &- own.pointee.head > mask &+ 1 {
            guard try makeRoom(index, need) else {
                wanted = (index, need)
                return nil
            }
        }
        if size > toEnd {
            let padding = Record.sequenceWord(0, Record.padding)
            Record.store(own.pointee.ring + Int(start & mask), 0, padding)
            start &+= toEnd
        }
        let record = own.pointee.ring + Int(start & mask)
        Record.store(
            record, Record.lengthWord(bytes, topic),
            Record.sequenceWord(own.pointee.sequence, flags))
        own.pointee.pending = start &+ size
        lane = index
        let payload = RingWriter.write(context, flags, after: record + Record.headerBytes)
        return UnsafeMutableRawBufferPointer(start: payload, count: bytes)
    }

    private static func write(
        _ context: MessageContext?, _ flags: UInt64, after header: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var at = header
        if flags & Record.hasStamp != 0 {
            at.storeBytes(of: BusClock.now, as: UInt64.self)
            at += Record.stampBytes
        }
        if let context {
            Record.write(context, at: at)
            at += Record.contextBytes
        }
        return at
    }

    /// The message is whole: others may see it, now.
    @inlinable @inline(__always)
    package mutating func commit() {
        stage()
        show(lane)
        callConsumer()
    }

    /// The message is whole; others see it with the next `publish` or `commit`.
    @inlinable @inline(__always)
    package mutating func stage() {
        let own = lanes + lane
        guard own.pointee.pending != 0 else { return }
        own.pointee.tail = own.pointee.pending
        own.pointee.pending = 0
        own.pointee.sequence &+= 1
    }

    /// Stages up to `count` messages of one length in one go, and gives how many had room; `fill`
    /// gets the number of each, from 0, and its place. What changes from message to message stays
    /// in registers.
    @inlinable @inline(__always)
    package mutating func stage(
        _ count: Int, bytes: Int, topic: UInt32, priority: BusPriority,
        _ fill: (Int, UnsafeMutableRawBufferPointer) -> Void
    ) throws(BusError) -> Int {
        let own = lanes + priority.rawValue
        var done = 0
        while done < count {
            let run = plainRun(own, min(count &- done, Int(RingWriter.stampEvery)), bytes)
            guard run > 0 else {
                let place = try reserve(bytes, topic: topic, priority: priority)
                guard let place else { break }
                fill(done, place)
                stage()
                done &+= 1
                continue
            }
            let size = Record.aligned(UInt64(truncatingIfNeeded: bytes &+ Record.headerBytes))
            let tail = own.pointee.tail
            let sequence = own.pointee.sequence
            var record = own.pointee.ring + Int(truncatingIfNeeded: tail & mask)
            let first = Record.lengthWord(bytes, topic)
            for index in 0..<run {
                let number = sequence &+ UInt64(truncatingIfNeeded: index)
                Record.store(record, first, number & Record.sequenceMask)
                fill(
                    done &+ index,
                    UnsafeMutableRawBufferPointer(
                        start: record + Record.headerBytes, count: bytes))
                record += Int(truncatingIfNeeded: size)
            }
            own.pointee.tail = tail &+ size &* UInt64(truncatingIfNeeded: run)
            own.pointee.sequence = sequence &+ UInt64(truncatingIfNeeded: run)
            done &+= run
        }
        return done
    }

    /// How many messages can follow each other without a stamp, the end of the ring, or a look at
    /// what the consumer has taken.
    @inlinable
    func plainRun(_ own: UnsafeMutablePointer<Lane>, _ most: Int, _ bytes: Int) -> Int {
        guard UInt(bitPattern: bytes) <= UInt(bitPattern: longest) else { return 0 }
        let toStamp = own.pointee.sequence & (RingWriter.stampEvery &- 1)
        guard toStamp != 0 else { return 0 }
        let size = Record.aligned(UInt64(truncatingIfNeeded: bytes &+ Record.headerBytes))
        let tail = own.pointee.tail
        let ring = mask &+ 1
        let room = min(ring &- (tail & mask), ring &- (tail &- own.pointee.head))
        let wanted = UInt64(truncatingIfNeeded: min(most, Int(RingWriter.stampEvery &- toStamp)))
        if wanted &* size <= room { return Int(truncatingIfNeeded: wanted) }
        return Int(truncatingIfNeeded: room / size)
    }

    /// Shows all staged messages, and wakes the consumer when it sleeps.
    @inlinable @inline(__always)
    package mutating func publish() {
        for index in 0..<LinkLayout.lanes where lanes[index].tail != lanes[index].published {
            show(index)
        }
        callConsumer()
    }

    /// The reserved message is not sent.
    package mutating func abort() { lanes[lane].pending = 0 }

    @inlinable @inline(__always)
    func show(_ index: Int) {
        let own = lanes + index
        LinkWords.word(tails, LinkWords.sent &- LinkWords.tails, index)
            .pointee.store(own.pointee.sequence, ordering: .relaxed)
        LinkWords.word(tails, 0, index).pointee.store(own.pointee.tail, ordering: .releasing)
        LinkWords.word(tails, LinkWords.markSequence &- LinkWords.tails, index)
            .pointee.store(own.pointee.sequence, ordering: .releasing)
        LinkWords.word(tails, LinkWords.markTail &- LinkWords.tails, index)
            .pointee.store(own.pointee.tail, ordering: .releasing)
        own.pointee.published = own.pointee.tail
    }

    /// Wakes the consumer when it sleeps, once for each time.
    @inlinable @inline(__always)
    mutating func callConsumer() {
        Barrier.afterStore(isRemote)
        let epoch = consumerSleep.pointee.load(ordering: .relaxed)
        if epoch & 1 == 1, epoch != rung { wakeConsumer(epoch) }
    }

    /// How many messages of a lane were ever committed: the next one's sequence number.
    package func nextSequence(_ priority: BusPriority) -> UInt64 {
        lanes[priority.rawValue].sequence
    }

    /// Bytes that wait to be read, headers included, in all lanes; at most what the rings hold.
    package var depthBytes: Int {
        var sum = 0
        for index in 0..<LinkLayout.lanes { sum += Int(depth(of: index)) }
        return sum
    }

    /// Where a lane's last message ends, and what the consumer has taken of it: who keeps memory
    /// for a message may free it when the second has come to the first. Nil when what the consumer
    /// wrote cannot be.
    package func progress(_ priority: BusPriority) -> (end: UInt64, taken: UInt64?) {
        let tail = lanes[priority.rawValue].tail
        let head = LinkWords.word(consumer.base, LinkWords.heads, priority.rawValue)
            .pointee.load(ordering: .acquiring)
        return (tail, head <= tail ? head : nil)
    }

    /// What lay in the rings before this producer and points into its arena: all that the consumer
    /// has not committed.
    package func references() throws(BusError) -> [(ArenaReference, lane: Int, end: UInt64)] {
        var found: [(ArenaReference, lane: Int, end: UInt64)] = []
        for index in 0..<LinkLayout.lanes {
            let lane = lanes + index
            var position = lane.pointee.head
            while position < lane.pointee.tail {
                // Where it begins is the consumer's word; that records follow shows if it is true.
                guard let step = step(lane, position), step.end <= lane.pointee.tail else {
                    throw .damaged(
                        by: .consumer, "lane \(index) was taken up to \(lane.pointee.head)")
                }
                if let reference = step.reference {
                    found.append((reference, index, step.end))
                }
                position = step.end
            }
        }
        return found
    }

    /// Waits until the consumer has made room for what the last `reserve` wanted, or the time (on
    /// `BusClock`) is over; false when it is over.
    package mutating func waitForRoom(until deadline: UInt64, _ wait: BusWait) -> Bool {
        publish()
        let began = BusClock.now
        let sleep = LinkWords.waitWord(producer.base, LinkWords.producerSleep)
        let bell = LinkWords.waitWord(consumer.base, LinkWords.consumerBell)
        var found = Sleep.spin(wait, until: deadline) { hasRoom }
        while !found, BusClock.now < deadline {
            let word = poise_bus_word(
                word: UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self),
                value: bell.pointee.load(ordering: .acquiring), reserved: 0)
            let epoch = sleep.pointee.load(ordering: .relaxed)
            sleep.pointee.store(epoch &+ 1, ordering: .releasing)
            let isSafe = Barrier.beforeSleep()
            found = hasRoom
            if !found { Sleep.sleep(on: [word], until: deadline, isSafe: isSafe) }
            sleep.pointee.store(epoch &+ 2, ordering: .releasing)
            found = found || hasRoom
        }
        count(LinkWords.blockedNanoseconds, wanted.lane, BusClock.now &- began)
        return found
    }

    /// Counts for who watches: one of `LinkWords`' numbers of a lane goes up.
    package func count(_ word: Int, _ lane: Int, _ by: UInt64 = 1) {
        let counter = LinkWords.word(producer.base, word, lane)
        counter.pointee.store(
            counter.pointee.load(ordering: .relaxed) &+ by, ordering: .relaxed)
    }
}

extension RingWriter {
    @usableFromInline
    mutating func wakeConsumer(_ epoch: UInt32) {
        rung = epoch
        let bell = LinkWords.waitWord(producer.base, LinkWords.producerBell)
        bell.pointee.store(
            bell.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        _ = poise_bus_wake(UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self))
        count(LinkWords.wakes, 0)
    }

    private func depth(of index: Int) -> UInt64 {
        let lane = lanes[index]
        let head = LinkWords.word(consumer.base, LinkWords.heads, index)
            .pointee.load(ordering: .acquiring)
        guard head <= lane.published else { return 0 }
        return min(lane.published &- head, mask &+ 1)
    }

    private var hasRoom: Bool {
        let lane = lanes + wanted.lane
        let head = LinkWords.word(consumer.base, LinkWords.heads, wanted.lane)
            .pointee.load(ordering: .acquiring)
        // One that cannot be is told by the next `reserve`.
        return head > lane.pointee.tail || lane.pointee.tail &+ wanted.bytes &- head <= mask &+ 1
    }

    private func makeRoom(_ index: Int, _ need: UInt64) throws(BusError) -> Bool {
        let lane = lanes + index
        if dropsOldest {
            try dropOldest(index, need)
            return true
        }
        let head = LinkWords.word(consumer.base, LinkWords.heads, index)
            .pointee.load(ordering: .acquiring)
        guard head >= lane.pointee.head, head <= lane.pointee.published, head & 15 == 0 else {
            throw .damaged(
                by: .consumer,
                "lane \(index) is taken up to \(head), where \(lane.pointee.head) to "
                    + "\(lane.pointee.published) can be")
        }
        lane.pointee.head = head
        return lane.pointee.tail &+ need &- head <= mask &+ 1
    }

    /// Gives up the oldest records until there is room. The new floor is seen after the tail, which
    /// it does not pass, and before anything that is written over them.
    private func dropOldest(_ index: Int, _ need: UInt64) throws(BusError) {
        let lane = lanes + index
        var floor = lane.pointee.head
        let head = LinkWords.word(consumer.base, LinkWords.heads, index)
            .pointee.load(ordering: .relaxed)
        var unread: UInt64 = 0
        while lane.pointee.tail &+ need &- floor > mask &+ 1 {
            guard floor < lane.pointee.tail, let step = step(lane, floor) else {
                throw .damaged(by: .producer, "lane \(index) has no record at \(floor)")
            }
            if !step.isPadding, floor >= head { unread &+= 1 }
            floor = step.end
        }
        // What was staged and is given up again must have been seen first: a floor beyond the tail
        // would look like damage.
        if floor > lane.pointee.published { show(index) }
        lane.pointee.head = floor
        if unread > 0 { count(LinkWords.droppedOldest, index, unread) }
        LinkWords.word(producer.base, LinkWords.floors, index)
            .pointee.store(floor, ordering: .releasing)
        atomicMemoryFence(ordering: .releasing)
    }

    private struct Step {
        var end: UInt64
        var sequence: UInt64
        var isPadding: Bool
        var reference: ArenaReference?
    }

    /// The record at a place, and where the next one begins; nil when there is none there.
    private func step(_ lane: UnsafeMutablePointer<Lane>, _ position: UInt64) -> Step? {
        let record = UnsafeRawPointer(lane.pointee.ring + Int(position & mask))
        let toEnd = mask &+ 1 &- (position & mask)
        let second = Record.word(record, 1)
        let flags = second >> 48 & 0xFF
        let sequence = second & Record.sequenceMask
        if flags & Record.padding != 0 {
            return Step(end: position &+ toEnd, sequence: sequence, isPadding: true)
        }
        let bytes = Record.word(record, 0) & 0xFFFF_FFFF
        let size = Record.aligned(Record.lead(flags) &+ bytes)
        guard bytes <= UInt64(layout.longestPayload), size <= toEnd else { return nil }
        var reference: ArenaReference?
        if flags & Record.inArena != 0, bytes == UInt64(ArenaReference.bytes) {
            let place = record + Int(Record.lead(flags))
            reference = ArenaReference(
                offset: Int(truncatingIfNeeded: Record.word(place, 0)),
                length: Int(truncatingIfNeeded: Record.word(place, 1)))
        }
        return Step(
            end: position &+ size, sequence: sequence, isPadding: false, reference: reference)
    }

    /// Finds where an earlier producer was: only its published tail is believed. The records before
    /// it may be gone, since what was staged and not published may have been written over them.
    private func recover(_ index: Int) throws(BusError) {
        let lane = lanes + index
        let tail = LinkWords.word(producer.base, LinkWords.tails, index)
            .pointee.load(ordering: .acquiring)
        guard tail > 0 else { return }
        guard tail & 15 == 0 else { throw .damaged(by: .producer, "lane \(index) ends at \(tail)") }
        // The tail was stored between `sent` and the mark.
        let isMarked =
            LinkWords.word(producer.base, LinkWords.markTail, index)
            .pointee.load(ordering: .acquiring) == tail
        lane.pointee.sequence =
            LinkWords.word(
                producer.base, isMarked ? LinkWords.markSequence : LinkWords.sent, index
            ).pointee.load(ordering: .acquiring)
        lane.pointee.tail = tail
        lane.pointee.published = tail
        if dropsOldest {
            lane.pointee.head = LinkWords.word(producer.base, LinkWords.floors, index)
                .pointee.load(ordering: .acquiring)
            guard lane.pointee.head <= tail, tail &- lane.pointee.head <= mask &+ 1 else {
                throw .damaged(by: .producer, "lane \(index) begins at \(lane.pointee.head)")
            }
        } else {
            lane.pointee.head = 0
            let head = LinkWords.word(consumer.base, LinkWords.heads, index)
                .pointee.load(ordering: .acquiring)
            guard head <= tail, tail &- head <= mask &+ 1, head & 15 == 0 else {
                throw .damaged(
                    by: .consumer, "lane \(index) is taken up to \(head) of \(tail)")
            }
            lane.pointee.head = head
        }
    }
}

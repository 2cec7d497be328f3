import CLinux
package import PoiseModel
import Synchronization

/// The consumer's end of a link: one thread at a time, no lock, no system call unless it sleeps or
/// the other side does.
///
/// Nothing in the producer's file is believed: each index and length is read once and checked
/// against what this side knows before it is used.
package struct RingReader: ~Copyable {
    package let layout: LinkLayout
    /// The producer may overwrite what was not read: each message is copied out before it is
    /// handed on, and it is valid until the next one is taken.
    package let dropsOldest: Bool
    /// While messages of one lane are taken, more urgent ones are looked for after so many.
    package static let looksEvery = 32

    @usableFromInline
    struct Lane {
        @usableFromInline var ring: UnsafeRawPointer
        /// Where the next message begins.
        @usableFromInline var head: UInt64
        /// What the producer was last seen to have published.
        @usableFromInline var tail: UInt64
        /// The next message's sequence number; `unknown` until the first was taken.
        @usableFromInline var expected: UInt64
        @usableFromInline var committed: UInt64
        @usableFromInline var taken: UInt64

        static let unknown = UInt64.max

        init(ring: UnsafeRawPointer, head: UInt64, taken: UInt64) {
            self.ring = ring
            self.head = head
            self.taken = taken
            tail = 0
            expected = Lane.unknown
            committed = head
        }
    }

    private let producer: BusMemory
    private let consumer: BusMemory
    private let tails: UnsafeMutableRawPointer
    private var arena: Arena
    @usableFromInline let lanes: UnsafeMutablePointer<Lane>
    @usableFromInline let mask: UInt64
    private let isRemote: Bool
    private let copy: UnsafeMutableRawBufferPointer
    @usableFromInline var current: UnsafeMutablePointer<Lane>
    /// Messages that may be taken before the next look at the other lanes.
    @usableFromInline var looksLeft = 0
    private var rung: UInt32 = 0
    private var hasState = false

    /// Memory of long messages; none when there is none.
    private struct Arena: ~Copyable {
        var memory: BusMemory?
    }

    /// Takes up a link where its last consumer had committed. `producer` and `arena` are mapped
    /// readable, `consumer` writable.
    package init(
        producer: consuming BusMemory, consumer: consuming BusMemory, layout: LinkLayout,
        dropsOldest: Bool, arena: consuming BusMemory? = nil
    ) throws(BusError) {
        self.layout = layout
        self.dropsOldest = dropsOldest
        mask = UInt64(layout.ringBytes - 1)
        isRemote = Barrier.isRemote
        lanes = .allocate(capacity: LinkLayout.lanes)
        copy = .allocate(
            byteCount: dropsOldest ? layout.longestPayload + 128 : 0, alignment: 16)
        for index in 0..<LinkLayout.lanes {
            let ring = producer.base + LinkLayout.pageBytes + index * layout.ringBytes
            let taken = LinkWords.word(consumer.base, LinkWords.taken, index)
                .pointee.load(ordering: .relaxed)
            let head = LinkWords.word(consumer.base, LinkWords.heads, index)
                .pointee.load(ordering: .acquiring)
            (lanes + index).initialize(
                to: Lane(ring: UnsafeRawPointer(ring), head: head, taken: taken))
        }
        current = lanes
        tails = producer.base + LinkWords.tails
        self.producer = producer
        self.consumer = consumer
        self.arena = Arena(memory: arena)
        try recoverState()
        for index in 0..<LinkLayout.lanes { try recover(index) }
        // One that died after its record and before its heads took messages that nobody will take
        // again: without this the producer would wait for their room for ever.
        release()
        // One that died asleep is awake again.
        let sleep = LinkWords.waitWord(self.consumer.base, LinkWords.consumerSleep)
        let epoch = sleep.pointee.load(ordering: .relaxed)
        if epoch & 1 == 1 { sleep.pointee.store(epoch &+ 1, ordering: .releasing) }
    }

    deinit {
        lanes.deallocate()
        copy.deallocate()
    }

    /// The next message, the most urgent lane first, in place; nil when there is none now. Several
    /// may be taken before they are committed together.
    @inlinable @inline(__always)
    package mutating func next() throws(BusError) -> BusMessage? {
        if looksLeft <= 0 || current.pointee.head == current.pointee.tail {
            guard try look() else { return nil }
        }
        let lane = current
        let record = lane.pointee.ring + Int(truncatingIfNeeded: lane.pointee.head & mask)
        let first = Record.word(record, 0)
        let second = Record.word(record, 1)
        let bytes = first & 0xFFFF_FFFF
        let size = Record.aligned(bytes &+ UInt64(truncatingIfNeeded: Record.headerBytes))
        // All but the rare cases: no flags, the next number, within what was published.
        guard !dropsOldest, second << 8 == lane.pointee.expected << 8,
            size <= lane.pointee.tail &- lane.pointee.head,
            size &+ (lane.pointee.head & mask) <= mask &+ 1
        else { return try seek() }
        looksLeft &-= 1
        lane.pointee.head &+= size
        lane.pointee.expected &+= 1
        lane.pointee.taken &+= 1
        return BusMessage(
            payload: UnsafeRawBufferPointer(
                start: record + Record.headerBytes, count: Int(truncatingIfNeeded: bytes)),
            topic: UInt32(truncatingIfNeeded: first >> 32),
            lane: UInt8(truncatingIfNeeded: lane - lanes), second: second, stamp: 0,
            contextStart: nil)
    }

    /// Takes up to `most` messages in one go, the most urgent lane first, and gives how many there
    /// were; `body` gets each where it lies. What changes from message to message stays in
    /// registers.
    @inlinable @inline(__always)
    package mutating func take(
        _ most: Int, _ body: (BusMessage) -> Void
    ) throws(BusError) -> Int {
        var done = 0
        while done < most {
            if looksLeft <= 0 || current.pointee.head == current.pointee.tail {
                guard try look() else { break }
            }
            let count = dropsOldest ? 0 : takeRun(min(most &- done, looksLeft), body)
            looksLeft &-= count
            done &+= count
            guard count == 0 else { continue }
            guard let message = try seek() else { break }
            body(message)
            done &+= 1
        }
        return done
    }

    /// The messages of the current lane up to the first that is not an ordinary one.
    @inlinable @inline(__always)
    func takeRun(_ most: Int, _ body: (BusMessage) -> Void) -> Int {
        let lane = current
        let ring = lane.pointee.ring
        let tail = lane.pointee.tail
        let mask = self.mask
        var head = lane.pointee.head
        var expected = lane.pointee.expected
        var count = 0
        while count < most, head != tail {
            let record = ring + Int(truncatingIfNeeded: head & mask)
            let first = Record.word(record, 0)
            let second = Record.word(record, 1)
            let bytes = first & 0xFFFF_FFFF
            let size = Record.aligned(bytes &+ UInt64(truncatingIfNeeded: Record.headerBytes))
            guard second << 8 == expected << 8, size <= tail &- head,
                size &+ (head & mask) <= mask &+ 1
            else { break }
            body(
                BusMessage(
                    payload: UnsafeRawBufferPointer(
                        start: record + Record.headerBytes,
                        count: Int(truncatingIfNeeded: bytes)),
                    topic: UInt32(truncatingIfNeeded: first >> 32),
                    lane: UInt8(truncatingIfNeeded: lane - lanes), second: second, stamp: 0,
                    contextStart: nil))
            head &+= size
            expected &+= 1
            count &+= 1
        }
        lane.pointee.head = head
        lane.pointee.expected = expected
        lane.pointee.taken &+= UInt64(truncatingIfNeeded: count)
        return count
    }

    /// As `next` with something in the current lane, in all cases.
    @usableFromInline
    mutating func seek() throws(BusError) -> BusMessage? {
        // A hostile producer could give up messages for ever, faster than they are looked at.
        for _ in 0..<RingReader.mostSkips {
            let index = current - lanes
            looksLeft -= 1
            if let message = dropsOldest ? try copied(index) : try inPlace(index) {
                return message
            }
            if current.pointee.head == current.pointee.tail {
                guard try look() else { return nil }
            }
        }
        return nil
    }

    /// What is skipped in one call at most: padding, and what was given up.
    private static let mostSkips = 64

    /// The most urgent lane that has something that was not taken yet; nil when none has. Who reads
    /// from several links chooses by it.
    var mostUrgentLane: Int? {
        for index in 0..<LinkLayout.lanes {
            let tail = LinkWords.word(producer.base, LinkWords.tails, index)
                .pointee.load(ordering: .acquiring)
            // One that cannot be is told by `next`.
            if tail != lanes[index].head { return index }
        }
        return nil
    }

    /// Whether something has come that was not taken yet; costs no more than a look.
    package mutating func hasMessages() -> Bool { mostUrgentLane != nil }

    /// All messages taken so far are done: they are the consumer's, and the producer has their
    /// room.
    package mutating func commit() {
        if hasState { return commit(state: state) }
        release()
    }

    /// As `commit`, and in the same step `state` (at most `stateBytes`) replaces the one kept in
    /// the link. A consumer that keeps what it has computed there sees each message exactly once,
    /// wherever it was killed.
    package mutating func commit(state: UnsafeRawBufferPointer) {
        precondition(state.count <= RingReader.stateBytes, "a state is too long for a link")
        let number = LinkWords.word(consumer.base, LinkWords.record)
        let next = number.pointee.load(ordering: .relaxed) &+ 1
        let record = record(next)
        for index in 0..<LinkLayout.lanes {
            record.storeBytes(of: lanes[index].head, toByteOffset: 8 * index, as: UInt64.self)
            record.storeBytes(
                of: lanes[index].expected,
                toByteOffset: LinkWords.recordSequences + 8 * index, as: UInt64.self)
        }
        record.storeBytes(
            of: UInt64(state.count), toByteOffset: LinkWords.recordLength, as: UInt64.self)
        UnsafeMutableRawBufferPointer(
            start: record + LinkWords.recordState, count: RingReader.stateBytes
        ).copyMemory(from: state)
        // From here on the new record counts, and before it the old one, whole.
        number.pointee.store(next, ordering: .releasing)
        hasState = true
        release()
    }

    /// Most bytes of a state.
    package static let stateBytes = 960

    /// The state that was committed last; empty when there is none. Valid until the next commit.
    package var state: UnsafeRawBufferPointer {
        let number = LinkWords.word(consumer.base, LinkWords.record).pointee.load(
            ordering: .acquiring)
        guard number > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let record = UnsafeRawPointer(record(number))
        let length = record.load(fromByteOffset: LinkWords.recordLength, as: UInt64.self)
        return UnsafeRawBufferPointer(
            start: record + LinkWords.recordState,
            count: Int(min(length, UInt64(RingReader.stateBytes))))
    }

    /// Messages that were dropped before they were read, as far as this reader saw.
    package var missed: UInt64 {
        var sum: UInt64 = 0
        for index in 0..<LinkLayout.lanes {
            sum &+= LinkWords.word(consumer.base, LinkWords.missed, index)
                .pointee.load(ordering: .relaxed)
        }
        return sum
    }

    /// Waits for a message until the time (on `BusClock`) is over; false when it is over. Who
    /// reads from several links waits with `willSleep`, `Sleep.sleep` and `isAwake`.
    package mutating func waitForMessages(until deadline: UInt64, _ wait: BusWait) -> Bool {
        var found = Sleep.spin(wait, until: deadline) { hasMessages() }
        while !found, BusClock.now < deadline {
            let word = willSleep()
            let isSafe = RingReader.lastLook()
            found = hasMessages()
            if !found { Sleep.sleep(on: [word], until: deadline, isSafe: isSafe) }
            isAwake()
            found = found || hasMessages()
        }
        return found
    }

    /// Says that this side goes to sleep; the producer rings from now on. Then `lastLook`, then
    /// `hasMessages` once more, then the sleep on the word, then `isAwake`.
    mutating func willSleep() -> poise_bus_word {
        let bell = LinkWords.waitWord(producer.base, LinkWords.producerBell)
        let value = bell.pointee.load(ordering: .acquiring)
        let sleep = LinkWords.waitWord(consumer.base, LinkWords.consumerSleep)
        sleep.pointee.store(
            sleep.pointee.load(ordering: .relaxed) | 1, ordering: .releasing)
        return poise_bus_word(
            word: UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self), value: value,
            reserved: 0)
    }

    /// Once after `willSleep` of all links; false when a long sleep could miss a message.
    static func lastLook() -> Bool { Barrier.beforeSleep() }

    /// Awake again; the producer need not ring.
    mutating func isAwake() {
        let sleep = LinkWords.waitWord(consumer.base, LinkWords.consumerSleep)
        let epoch = sleep.pointee.load(ordering: .relaxed)
        guard epoch & 1 == 1 else { return }
        sleep.pointee.store(epoch &+ 1, ordering: .releasing)
        let sleeps = LinkWords.word(consumer.base, LinkWords.sleeps)
        sleeps.pointee.store(sleeps.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}

extension RingReader {
    /// Looks at all lanes for what is new, and begins with the most urgent that has something.
    @usableFromInline
    mutating func look() throws(BusError) -> Bool {
        looksLeft = RingReader.looksEvery
        for index in 0..<LinkLayout.lanes {
            let tail = LinkWords.word(tails, 0, index).pointee.load(ordering: .acquiring)
            let lane = lanes + index
            if tail != lane.pointee.tail { try take(tail, index) }
            if lane.pointee.head != tail {
                current = lane
                return true
            }
        }
        return false
    }

    private func take(_ tail: UInt64, _ index: Int) throws(BusError) {
        let lane = lanes + index
        guard tail >= lane.pointee.tail, tail & 15 == 0,
            dropsOldest || tail &- lane.pointee.committed <= mask &+ 1
        else {
            throw .damaged(
                by: .producer,
                "lane \(index) ends at \(tail), after \(lane.pointee.tail) and "
                    + "\(lane.pointee.committed) taken")
        }
        lane.pointee.tail = tail
    }

    /// The message at a lane's head; nil when there was only padding.
    private func inPlace(_ index: Int) throws(BusError) -> BusMessage? {
        let lane = lanes + index
        let record = lane.pointee.ring + Int(lane.pointee.head & mask)
        let first = Record.word(record, 0)
        let second = Record.word(record, 1)
        let left = lane.pointee.tail &- lane.pointee.head
        let toEnd = mask &+ 1 &- (lane.pointee.head & mask)
        let flags = second >> 48 & 0xFF
        if flags & Record.padding != 0 {
            guard toEnd <= left else { throw damage(index, "padding of \(toEnd) bytes") }
            lane.pointee.head &+= toEnd
            return nil
        }
        let bytes = first & 0xFFFF_FFFF
        let lead = Record.lead(flags)
        let size = Record.aligned(lead &+ bytes)
        guard size <= left, size <= toEnd, flags < 16 else {
            throw damage(index, "a message of \(bytes) bytes")
        }
        try follow(index, second & Record.sequenceMask)
        lane.pointee.head &+= size
        return try message(record, first, second, index)
    }

    /// As `inPlace`, where the producer may write over the message at any moment: it counts only
    /// when the producer had not given it up after it was copied.
    private func copied(_ index: Int) throws(BusError) -> BusMessage? {
        let lane = lanes + index
        let toEnd = mask &+ 1 &- (lane.pointee.head & mask)
        let left = lane.pointee.tail &- lane.pointee.head
        let record = lane.pointee.ring + Int(lane.pointee.head & mask)
        let first = Record.word(record, 0)
        let second = Record.word(record, 1)
        let flags = second >> 48 & 0xFF
        let isPadding = flags & Record.padding != 0
        let bytes = first & 0xFFFF_FFFF
        let size = isPadding ? toEnd : Record.aligned(Record.lead(flags) &+ bytes)
        let isPlausible =
            size <= left && size <= toEnd && flags < 16 && (isPadding || size <= UInt64(copy.count))
        if isPlausible, !isPadding {
            copy.copyMemory(from: UnsafeRawBufferPointer(start: record, count: Int(size)))
        }
        atomicMemoryFence(ordering: .acquiring)
        let floor = LinkWords.word(producer.base, LinkWords.floors, index)
            .pointee.load(ordering: .relaxed)
        if floor > lane.pointee.head { return try skip(to: floor, index) }
        // Each word moves at its own time, but an honest producer stores a floor of at least
        // `tail` - ring bytes, and only then, releasing, that `tail`. The tail that is known here
        // was read, acquiring, before this floor: so this one is that floor or a later one, and
        // floors never go back. A tail beyond it was never earned by giving records up.
        guard lane.pointee.tail &- floor <= mask &+ 1 else {
            throw damage(index, "a floor of \(floor), more than a ring back,")
        }
        guard isPlausible else { throw damage(index, "a message of \(bytes) bytes") }
        lane.pointee.head &+= size
        if isPadding { return nil }
        try follow(index, second & Record.sequenceMask)
        guard let start = copy.baseAddress else { return nil }
        return try message(UnsafeRawPointer(start), first, second, index)
    }

    /// What lay before a place is gone.
    private func skip(to floor: UInt64, _ index: Int) throws(BusError) -> BusMessage? {
        let lane = lanes + index
        // The floor is never beyond what was published before it: with the fence, this tail is that
        // or a later one.
        atomicMemoryFence(ordering: .acquiring)
        let tail = LinkWords.word(producer.base, LinkWords.tails, index)
            .pointee.load(ordering: .acquiring)
        try take(tail, index)
        guard floor <= tail, floor & 15 == 0 else { throw damage(index, "a floor of \(floor)") }
        lane.pointee.head = floor
        return nil
    }

    /// The sequence number must be the next one; with `dropsOldest` it may be a later one.
    private func follow(_ index: Int, _ sequence: UInt64) throws(BusError) {
        let lane = lanes + index
        let expected = lane.pointee.expected
        if expected != Lane.unknown, sequence != expected & Record.sequenceMask {
            guard dropsOldest, sequence > expected else {
                throw damage(index, "message \(sequence) where \(expected) is next")
            }
            let missed = LinkWords.word(consumer.base, LinkWords.missed, index)
            missed.pointee.store(
                missed.pointee.load(ordering: .relaxed) &+ (sequence &- expected),
                ordering: .relaxed)
        }
        lane.pointee.expected = sequence &+ 1
    }

    private func message(
        _ record: UnsafeRawPointer, _ first: UInt64, _ second: UInt64, _ index: Int
    ) throws(BusError) -> BusMessage {
        let flags = second >> 48 & 0xFF
        var at = record + Record.headerBytes
        var stamp: UInt64 = 0
        if flags & Record.hasStamp != 0 {
            stamp = Record.word(at, 0)
            note(wait: BusClock.now, since: stamp)
            at += Record.stampBytes
        }
        let context = flags & Record.hasContext != 0 ? at : nil
        if context != nil { at += Record.contextBytes }
        var payload = UnsafeRawBufferPointer(start: at, count: Int(first & 0xFFFF_FFFF))
        if flags & Record.inArena != 0 { payload = try inArena(payload, index) }
        lanes[index].taken &+= 1
        return BusMessage(
            payload: payload, topic: UInt32(truncatingIfNeeded: first >> 32), lane: UInt8(index),
            second: second, stamp: stamp, contextStart: context)
    }

    private func inArena(
        _ reference: UnsafeRawBufferPointer, _ index: Int
    ) throws(BusError) -> UnsafeRawBufferPointer {
        guard reference.count == ArenaReference.bytes, let base = reference.baseAddress else {
            throw damage(index, "a reference of \(reference.count) bytes")
        }
        let offset = Record.word(base, 0)
        let length = Record.word(base, 1)
        let size =
            switch arena.memory {
            case .some(let memory): UInt64(memory.bytes)
            case .none: UInt64(0)
            }
        guard offset <= size, length <= size &- offset, offset & 15 == 0 else {
            throw damage(index, "\(length) bytes at \(offset) of an arena of \(size)")
        }
        switch arena.memory {
        case .some(let memory):
            return UnsafeRawBufferPointer(start: memory.base + Int(offset), count: Int(length))
        case .none: return UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    private func note(wait now: UInt64, since sent: UInt64) {
        guard sent <= now else { return }
        let bucket = WaitHistogram.bucket(nanoseconds: now &- sent)
        let word = LinkWords.word(consumer.base, LinkWords.waits, bucket)
        word.pointee.store(word.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    private func damage(_ index: Int, _ text: String) -> BusError {
        .damaged(
            by: .producer,
            "lane \(index) has \(text) at \(lanes[index].head) of "
                + "\(lanes[index].tail)")
    }

    /// Tells the producer what is done, and wakes it when it sleeps for want of room.
    private mutating func release() {
        for index in 0..<LinkLayout.lanes where lanes[index].head != lanes[index].committed {
            let lane = lanes + index
            LinkWords.word(consumer.base, LinkWords.taken, index)
                .pointee.store(lane.pointee.taken, ordering: .relaxed)
            LinkWords.word(consumer.base, LinkWords.heads, index)
                .pointee.store(lane.pointee.head, ordering: .releasing)
            lane.pointee.committed = lane.pointee.head
        }
        Barrier.afterStore(isRemote)
        let epoch = LinkWords.waitWord(producer.base, LinkWords.producerSleep)
            .pointee.load(ordering: .relaxed)
        guard epoch & 1 == 1, epoch != rung else { return }
        rung = epoch
        let bell = LinkWords.waitWord(consumer.base, LinkWords.consumerBell)
        bell.pointee.store(bell.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        _ = poise_bus_wake(UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self))
    }

    private func record(_ number: UInt64) -> UnsafeMutableRawPointer {
        consumer.base + LinkWords.records + Int(number & 1) * LinkWords.recordBytes
    }

    /// With a state, what it was committed with counts, and the heads that the producer sees
    /// follow it.
    private mutating func recoverState() throws(BusError) {
        let number = LinkWords.word(consumer.base, LinkWords.record).pointee.load(
            ordering: .acquiring)
        guard number > 0 else { return }
        hasState = true
        let record = UnsafeRawPointer(record(number))
        for index in 0..<LinkLayout.lanes {
            let expected = record.load(
                fromByteOffset: LinkWords.recordSequences + 8 * index, as: UInt64.self)
            lanes[index].head = record.load(fromByteOffset: 8 * index, as: UInt64.self)
            lanes[index].expected = expected
        }
    }

    private mutating func recover(_ index: Int) throws(BusError) {
        let lane = lanes + index
        let tail = LinkWords.word(producer.base, LinkWords.tails, index)
            .pointee.load(ordering: .acquiring)
        let head = lane.pointee.head
        guard head & 15 == 0 else {
            throw .damaged(by: .consumer, "lane \(index) is taken up to \(head)")
        }
        // With `dropsOldest` the producer may be a whole ring ahead. A side believes its own file.
        guard head <= tail, tail & 15 == 0, dropsOldest || tail &- head <= mask &+ 1 else {
            throw .damaged(
                by: .producer, "lane \(index) ends at \(tail), where \(head) is taken")
        }
        lane.pointee.tail = head
        // Nobody ever took one: those that were dropped before the first count as missed too.
        if head == 0 { lane.pointee.expected = 0 }
        if lane.pointee.committed > head {
            throw .damaged(by: .consumer, "lane \(index) is taken beyond its record")
        }
    }
}

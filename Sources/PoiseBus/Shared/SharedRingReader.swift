import CLinux
package import PoiseModel
import Synchronization

/// The consumer's end of a shared ring: one thread at a time.
package struct SharedRingReader: ~Copyable {
    package let layout: SharedLayout

    let map: SharedMap
    let consumer: UnsafeMutableRawPointer
    private let memories: UnsafeMutablePointer<BusMemory>?
    let lanes: UnsafeMutablePointer<Lane>
    /// The next sequence number of each producer in each lane and one more; 0 before its first.
    private let expected: UnsafeMutablePointer<UInt64>
    /// Messages taken and not committed.
    private var held = 0
    private var roomRung: UInt32 = 0

    struct Lane {
        /// Granules taken, and granules committed.
        var position: UInt64 = 0
        var committed: UInt64 = 0
        var messages: UInt64 = 0
    }

    /// Takes up a ring where its last consumer had committed. `data` is mapped readable, `consumer`
    /// writable.
    package init(
        data: consuming BusMemory, consumer: consuming BusMemory, layout: SharedLayout
    ) throws(BusError) {
        guard data.bytes == layout.dataFileBytes else {
            throw .wrongSize(bytes: data.bytes, wanted: layout.dataFileBytes)
        }
        guard consumer.bytes == layout.consumerFileBytes else {
            throw .wrongSize(bytes: consumer.bytes, wanted: layout.consumerFileBytes)
        }
        let (dataBase, consumerBase) = (data.base, consumer.base)
        try SharedRingReader.check(dataBase, consumerBase, layout)
        let memories = UnsafeMutablePointer<BusMemory>.allocate(capacity: 2)
        memories.initialize(to: data)
        (memories + 1).initialize(to: consumer)
        self.init(dataBase, consumerBase, layout, memories)
    }

    /// As above, over memory that somebody else keeps mapped for as long as this lives.
    package init(
        unowned data: UnsafeMutableRawPointer, consumer: UnsafeMutableRawPointer,
        layout: SharedLayout
    ) throws(BusError) {
        try SharedRingReader.check(data, consumer, layout)
        self.init(data, consumer, layout, nil)
    }

    private init(
        _ data: UnsafeMutableRawPointer, _ consumer: UnsafeMutableRawPointer,
        _ layout: SharedLayout, _ memories: UnsafeMutablePointer<BusMemory>?
    ) {
        self.layout = layout
        self.consumer = consumer
        self.memories = memories
        map = SharedMap(data, layout)
        lanes = .allocate(capacity: LinkLayout.lanes)
        lanes.initialize(repeating: Lane(), count: LinkLayout.lanes)
        let words = LinkLayout.lanes * SharedLayout.mostProducers
        expected = .allocate(capacity: words)
        expected.initialize(repeating: 0, count: words)
        takeUp()
    }

    deinit {
        lanes.deallocate()
        expected.deallocate()
        guard let memories else { return }
        memories.deinitialize(count: 2)
        memories.deallocate()
    }

    /// Where the last consumer was must be where claims can be.
    private static func check(
        _ data: UnsafeMutableRawPointer, _ consumer: UnsafeMutableRawPointer, _ layout: SharedLayout
    ) throws(BusError) {
        let map = SharedMap(data, layout)
        for lane in 0..<LinkLayout.lanes {
            let position = SharedRecord(consumer).head(lane) >> 6
            let tail = Claim(bits: map.tail(lane).pointee.load(ordering: .acquiring))
            guard Claim.distance(from: position, to: tail.position) <= map.mask &+ 1 else {
                throw .damaged(
                    by: .producer,
                    "lane \(lane)'s claims end at granule \(tail.position), \(position) is taken")
            }
        }
    }

    private mutating func takeUp() {
        for lane in 0..<LinkLayout.lanes {
            let position = SharedRecord(consumer).head(lane) >> 6
            let messages = LinkWords.word(consumer, LinkWords.taken, lane)
                .pointee.load(ordering: .relaxed)
            lanes[lane] = Lane(position: position, committed: position, messages: messages)
        }
        // One that died asleep is awake again.
        let sleep = LinkWords.waitWord(consumer, LinkWords.consumerSleep)
        let epoch = sleep.pointee.load(ordering: .relaxed)
        if epoch & 1 == 1 { sleep.pointee.store(epoch &+ 1, ordering: .releasing) }
        showHeads()
        ringForRoom()
    }

    /// The next message, the most urgent lane first, in place; nil when there is none now. Several
    /// may be taken before they are committed together.
    package mutating func next() throws(BusError) -> BusMessage? {
        for lane in 0..<LinkLayout.lanes {
            while let claim = try look(lane) {
                if claim.isClaimed { break }
                lanes[lane].position &+= claim.length
                if claim.isAbandoned { continue }
                let message = try message(lane, claim)
                held += 1
                lanes[lane].messages &+= 1
                return message
            }
        }
        // What was given up needs nobody's commit, and its room may be waited for.
        if held == 0, hasSkipped { commit() }
        return nil
    }

    private var hasSkipped: Bool {
        for lane in 0..<LinkLayout.lanes where lanes[lane].position != lanes[lane].committed {
            return true
        }
        return false
    }

    /// What stands where a lane is read next; nil when nothing is claimed there yet.
    private func look(_ lane: Int) throws(BusError) -> Claim? {
        let position = lanes[lane].position
        let claim = Claim(bits: map.cell(lane, position).pointee.load(ordering: .acquiring))
        if claim.isAt(position) {
            let end = position &+ claim.length
            let toEnd = map.mask &+ 1 &- (position & map.mask)
            // Claims never go beyond what was committed and the whole ring: so this ends.
            guard claim.length > 0, claim.length <= toEnd,
                end &- lanes[lane].committed <= map.mask &+ 1
            else {
                throw damaged(lane, "has a claim of \(claim.length) granules at \(position)")
            }
            return claim
        }
        if claim.bits == 0 { return nil }
        let age = Claim.distance(from: claim.position, to: position & Claim.positionMask)
        guard !claim.isEmpty, age & map.mask == 0, age < Claim.halfWay else {
            throw damaged(lane, "has a claim of granule \(claim.position) at \(position)")
        }
        return nil
    }

    private func damaged(_ lane: Int, _ text: String) -> BusError {
        .damaged(by: .producer, "lane \(lane) \(text)")
    }

    /// Each word of the header is read once: a hostile producer may change it meanwhile.
    private mutating func message(_ lane: Int, _ claim: Claim) throws(BusError) -> BusMessage {
        let record = UnsafeRawPointer(map.granule(lane, claim.position))
        let first = Record.word(record, 0)
        let second = Record.word(record, 1)
        let bytes = first & 0xFFFF_FFFF
        let flags = second >> 48 & 0xFF
        let lead = Record.lead(flags)
        guard flags & ~(Record.hasStamp | Record.hasContext | Record.inArena) == 0,
            SharedRing.granules(lead &+ bytes) == claim.length, second >> 56 == claim.owner
        else {
            throw damaged(lane, "has a header that does not fit its claim at \(claim.position)")
        }
        let sequence = second & Record.sequenceMask
        let known = expected + lane * SharedLayout.mostProducers + Int(claim.owner)
        guard known.pointee == 0 || known.pointee == sequence &+ 1 else {
            throw damaged(
                lane,
                "has message \(sequence) of producer \(claim.owner), not \(known.pointee &- 1)")
        }
        known.pointee = (sequence &+ 1) & Record.sequenceMask &+ 1
        var at = record + Record.headerBytes
        var stamp: UInt64 = 0
        if flags & Record.hasStamp != 0 {
            stamp = Record.word(at, 0)
            note(wait: BusClock.now, since: stamp)
            at += Record.stampBytes
        }
        var context: UnsafeRawPointer?
        if flags & Record.hasContext != 0 {
            context = at
            at += Record.contextBytes
        }
        return BusMessage(
            payload: UnsafeRawBufferPointer(start: at, count: Int(bytes)),
            topic: UInt32(truncatingIfNeeded: first >> 32),
            lane: UInt8(truncatingIfNeeded: lane), second: second, stamp: stamp,
            contextStart: context)
    }

    private func note(wait now: UInt64, since sent: UInt64) {
        guard sent <= now else { return }
        let bucket = WaitHistogram.bucket(nanoseconds: now &- sent)
        let word = LinkWords.word(consumer, LinkWords.waits, bucket)
        word.pointee.store(word.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// All messages taken so far are done: they are the consumer's, and the producers have their
    /// room.
    package mutating func commit() {
        SharedRecord(consumer).commit(lanes, state: nil)
        showHeads()
        ringForRoom()
    }

    /// As `commit`, and in the same step `state` (at most `RingReader.stateBytes`) replaces the one
    /// kept in the link.
    package mutating func commit(state: UnsafeRawBufferPointer) {
        SharedRecord(consumer).commit(lanes, state: state)
        showHeads()
        ringForRoom()
    }

    /// The state that was committed last; empty when there is none.
    package var state: UnsafeRawBufferPointer { SharedRecord(consumer).state }

    private mutating func showHeads() {
        held = 0
        for lane in 0..<LinkLayout.lanes {
            lanes[lane].committed = lanes[lane].position
            LinkWords.word(consumer, LinkWords.heads, lane)
                .pointee.store(lanes[lane].position << 6, ordering: .releasing)
            LinkWords.word(consumer, LinkWords.taken, lane)
                .pointee.store(lanes[lane].messages, ordering: .relaxed)
        }
    }

    /// Wakes the producers when one went to sleep for want of room since the last time.
    private mutating func ringForRoom() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        let wanted = map.waitWord(SharedLayout.roomWanted).pointee.load(ordering: .relaxed)
        guard wanted != roomRung else { return }
        let bell = LinkWords.waitWord(consumer, LinkWords.consumerBell)
        bell.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        _ = poise_bus_wake(UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self))
        roomRung = wanted
    }

    /// Whether something has come that was not taken yet, if only claims that were given up.
    package func hasMessages() -> Bool {
        for lane in 0..<LinkLayout.lanes {
            let position = lanes[lane].position
            let bits = map.cell(lane, position).pointee.load(ordering: .sequentiallyConsistent)
            let claim = Claim(bits: bits)
            if claim.isAt(position), !claim.isClaimed { return true }
        }
        return false
    }

    /// The most urgent lane that `next` would find something in: a message, claims that were given
    /// up, or what cannot be, which it tells. Nil when there is none. Who reads from several links
    /// chooses by it.
    var mostUrgentLane: Int? {
        (0..<LinkLayout.lanes).first { lane in
            let position = lanes[lane].position
            let claim = Claim(bits: map.cell(lane, position).pointee.load(ordering: .acquiring))
            if claim.isAt(position) { return !claim.isClaimed }
            let age = Claim.distance(from: claim.position, to: position & Claim.positionMask)
            return claim.bits != 0 && (claim.isEmpty || age & map.mask != 0 || age > Claim.halfWay)
        }
    }

    /// Says that this side goes to sleep; a producer rings from now on. Then `hasMessages` once
    /// more, then the sleep on the word, then `isAwake`. No barrier is needed: this number and the
    /// producers' cells are written and read in one order that all see.
    func willSleep() -> poise_bus_word {
        let bell = map.waitWord(SharedLayout.bell)
        let value = bell.pointee.load(ordering: .acquiring)
        let sleep = LinkWords.waitWord(consumer, LinkWords.consumerSleep)
        if sleep.pointee.load(ordering: .relaxed) & 1 == 0 {
            sleep.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        }
        return poise_bus_word(
            word: UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self), value: value,
            reserved: 0)
    }

    /// Awake again, under a new number: each sleep is rung for anew.
    func isAwake() {
        let sleep = LinkWords.waitWord(consumer, LinkWords.consumerSleep)
        guard sleep.pointee.load(ordering: .relaxed) & 1 == 1 else { return }
        sleep.pointee.wrappingAdd(1, ordering: .releasing)
        LinkWords.word(consumer, LinkWords.sleeps).pointee.wrappingAdd(1, ordering: .relaxed)
    }

    /// Whose message a lane waits for: one that was claimed and is neither committed nor given up.
    package func waitsFor(_ priority: BusPriority) -> Int? {
        let position = lanes[priority.rawValue].position
        let bits = map.cell(priority.rawValue, position).pointee.load(ordering: .acquiring)
        let claim = Claim(bits: bits)
        return claim.isAt(position) && claim.isClaimed ? Int(claim.owner) : nil
    }

    /// Waits until something has come or the time (on `BusClock`) is over; false when it is over.
    package mutating func waitForMessages(until deadline: UInt64, _ wait: BusWait) -> Bool {
        var found = Sleep.spin(wait, until: deadline) { hasMessages() }
        while !found, BusClock.now < deadline {
            let word = willSleep()
            found = hasMessages()
            if !found { Sleep.sleep(on: [word], until: deadline, isSafe: true) }
            isAwake()
            found = found || hasMessages()
        }
        return found
    }
}

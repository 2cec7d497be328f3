import CLinux
package import PoiseModel
import Synchronization

/// One producer's end of a shared ring: one thread at a time. No lock; no system call unless the
/// consumer sleeps.
package struct SharedRingWriter: ~Copyable {
    package let layout: SharedLayout
    /// Which of the producers this is, below `SharedLayout.mostProducers`.
    package let owner: Int

    private let map: SharedMap
    private let consumer: UnsafeMutableRawPointer
    private let memories: UnsafeMutablePointer<BusMemory>?
    private var pending: Pending?
    private var wanted = (lane: 0, granules: UInt64(1))

    private struct Pending {
        var lane: Int
        var position: UInt64
        var length: UInt64
        var sequence: UInt64
    }

    /// Takes up the place of producer `owner`: what an earlier one with this number had not
    /// committed is given up. `data` is mapped writable, `consumer` readable.
    package init(
        data: consuming BusMemory, consumer: consuming BusMemory, layout: SharedLayout, owner: Int
    ) throws(BusError) {
        guard data.bytes == layout.dataFileBytes else {
            throw .wrongSize(bytes: data.bytes, wanted: layout.dataFileBytes)
        }
        guard consumer.bytes == layout.consumerFileBytes else {
            throw .wrongSize(bytes: consumer.bytes, wanted: layout.consumerFileBytes)
        }
        let (dataBase, consumerBase) = (data.base, consumer.base)
        let memories = UnsafeMutablePointer<BusMemory>.allocate(capacity: 2)
        memories.initialize(to: data)
        (memories + 1).initialize(to: consumer)
        self.init(dataBase, consumerBase, layout, owner, memories)
    }

    /// As above, over memory that somebody else keeps mapped for as long as this lives.
    package init(
        unowned data: UnsafeMutableRawPointer, consumer: UnsafeMutableRawPointer,
        layout: SharedLayout, owner: Int
    ) {
        self.init(data, consumer, layout, owner, nil)
    }

    private init(
        _ data: UnsafeMutableRawPointer, _ consumer: UnsafeMutableRawPointer,
        _ layout: SharedLayout, _ owner: Int, _ memories: UnsafeMutablePointer<BusMemory>?
    ) {
        precondition(0..<SharedLayout.mostProducers ~= owner, "no producer \(owner)")
        self.layout = layout
        self.owner = owner
        self.consumer = consumer
        self.memories = memories
        map = SharedMap(data, layout)
        SharedRing.abandon(owner: owner, in: map)
    }

    deinit {
        if let held = pending { finish(held, .abandoned) }
        guard let memories else { return }
        memories.deinitialize(count: 2)
        memories.deallocate()
    }

    /// Room for a message of so many bytes, in place; nil when there is none now. `commit`, `stage`
    /// or `abort` follows before the next one: until then the consumer waits at this message.
    package mutating func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority, context: MessageContext? = nil
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        guard bytes >= 0, bytes <= layout.longestPayload else {
            throw .tooLong(bytes: bytes, most: layout.longestPayload)
        }
        abort()
        let lane = priority.rawValue
        let sequence = nextSequence(priority)
        let flags =
            (sequence & (RingWriter.stampEvery - 1) == 0 ? Record.hasStamp : 0)
            | (context == nil ? 0 : Record.hasContext)
        let length = SharedRing.granules(Record.lead(flags) &+ UInt64(bytes))
        guard let position = try claim(lane, length) else {
            wanted = (lane, length)
            // It may sleep at messages that were given up: nobody rings for those.
            ring()
            return nil
        }
        pending = Pending(lane: lane, position: position, length: length, sequence: sequence)
        let record = map.granule(lane, position)
        Record.store(
            record, Record.lengthWord(bytes, topic),
            Record.sequenceWord(sequence, flags, UInt64(owner)))
        var at = record + Record.headerBytes
        if flags & Record.hasStamp != 0 {
            at.storeBytes(of: BusClock.now, as: UInt64.self)
            at += Record.stampBytes
        }
        if let context {
            Record.write(context, at: at)
            at += Record.contextBytes
        }
        return UnsafeMutableRawBufferPointer(start: at, count: bytes)
    }

    /// The message is whole, and the consumer is woken when it sleeps. False when this producer was
    /// given up for dead meanwhile (`SharedRing.abandon`): then it is not sent.
    @discardableResult package mutating func commit() -> Bool {
        let isSent = stage()
        ring()
        return isSent
    }

    /// As `commit`, but wakes nobody: `publish` or `commit` follows.
    @discardableResult package mutating func stage() -> Bool {
        guard let held = pending else { return false }
        pending = nil
        let intent = SharedRing.Intent(sequence: held.sequence, position: held.position)
        map.intent(owner, held.lane).pointee.store(intent.bits, ordering: .releasing)
        guard finish(held, .committed) else { return false }
        map.committed(owner, held.lane).pointee.store(held.sequence &+ 1, ordering: .releasing)
        return true
    }

    /// Wakes the consumer when it sleeps.
    package mutating func publish() { ring() }

    /// The reserved message is not sent.
    package mutating func abort() {
        guard let held = pending else { return }
        pending = nil
        finish(held, .abandoned)
    }

    /// How many messages of a lane this producer ever committed: the next one's sequence number.
    package func nextSequence(_ priority: BusPriority) -> UInt64 {
        map.committed(owner, priority.rawValue).pointee.load(ordering: .relaxed)
    }

    @discardableResult private func finish(_ held: Pending, _ state: Claim.State) -> Bool {
        map.finish(
            held.lane,
            Claim(
                position: held.position, length: held.length, owner: UInt64(owner), state: state))
    }
}

extension SharedRing {
    /// Exchanges of a tail word that may fail in a row. Each failure is another producer's success,
    /// so only one that scribbles over the word makes so many.
    static let mostTries = 1 << 22
    /// Looks at head and tail that may contradict each other because both move.
    static let mostLooks = 64

    @inline(__always)
    static func granules(_ bytes: UInt64) -> UInt64 { (bytes &+ 63) >> 6 }
}

extension SharedRingWriter {
    private enum Room {
        case enough(Claim)
        case tooLittle
    }

    /// Looks for room for `length` granules and what may be left at the ring's end before them.
    ///
    /// The head is read before the tail: it never comes past a tail that is read later. It is read
    /// each time: one kept from long ago could seem near once positions have gone round.
    private func room(_ lane: Int, _ length: UInt64) throws(BusError) -> Room {
        let head = LinkWords.word(consumer, LinkWords.heads, lane)
        var seen: (UInt64, UInt64) = (0, 0)
        for _ in 0..<SharedRing.mostLooks {
            let taken = head.pointee.load(ordering: .sequentiallyConsistent)
            let tail = Claim(bits: map.tail(lane).pointee.load(ordering: .acquiring))
            let used = Claim.distance(from: taken >> 6, to: tail.position)
            seen = (taken, tail.position)
            guard used <= map.mask &+ 1, taken & 63 == 0 else { continue }
            let toEnd = map.mask &+ 1 &- (tail.position & map.mask)
            let need = length <= toEnd ? length : toEnd &+ length
            return used &+ need <= map.mask &+ 1 ? .enough(tail) : .tooLittle
        }
        throw .damaged(
            by: .consumer,
            "lane \(lane) is taken up to granule \(seen.0 >> 6), where claims end at \(seen.1)")
    }

    /// The position of so many granules that are now this producer's; nil when there is no room.
    private func claim(_ lane: Int, _ length: UInt64) throws(BusError) -> UInt64? {
        let word = map.tail(lane)
        for _ in 0..<SharedRing.mostTries {
            guard case .enough(let tail) = try room(lane, length) else { return nil }
            let start = tail.position
            let toEnd = map.mask &+ 1 &- (start & map.mask)
            let taken = min(length, toEnd)
            map.help(lane, tail)
            let next = Claim(
                position: start &+ taken, length: taken, owner: UInt64(owner), state: .none)
            let (isOurs, _) = word.pointee.compareExchange(
                expected: tail.bits, desired: next.bits, ordering: .acquiringAndReleasing)
            guard isOurs else { continue }
            if length <= toEnd { return start }
            // A message never goes round the end: what is left there is skipped.
            _ = map.finish(
                lane,
                Claim(position: start, length: taken, owner: UInt64(owner), state: .abandoned))
        }
        throw .damaged(by: .producer, "lane \(lane)'s tail changes without end")
    }

    /// Wakes the consumer when it sleeps. `rung` is told after the wake: who dies before that
    /// leaves it to the next one.
    private func ring() {
        let epoch = LinkWords.waitWord(consumer, LinkWords.consumerSleep)
            .pointee.load(ordering: .sequentiallyConsistent)
        let rung = map.waitWord(SharedLayout.rung)
        guard epoch & 1 == 1, epoch != rung.pointee.load(ordering: .relaxed) else { return }
        let bell = map.waitWord(SharedLayout.bell)
        bell.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        _ = poise_bus_wake(UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self))
        rung.pointee.store(epoch, ordering: .relaxed)
        count(LinkWords.wakes, 0)
    }

    /// Counts for who watches: one of `LinkWords`' numbers of a lane goes up, for all producers
    /// together. They lie in the data file where a single producer's lie in its own.
    package func count(_ word: Int, _ lane: Int, _ by: UInt64 = 1) {
        LinkWords.word(map.base, word, lane).pointee.wrappingAdd(by, ordering: .relaxed)
    }

    /// Bytes that were claimed and not taken yet, in all lanes; at most what the rings hold.
    package var depthBytes: Int {
        var sum = 0
        for lane in 0..<LinkLayout.lanes {
            let head = LinkWords.word(consumer, LinkWords.heads, lane)
                .pointee.load(ordering: .acquiring)
            let tail = Claim(bits: map.tail(lane).pointee.load(ordering: .acquiring))
            let used = Claim.distance(from: head >> 6, to: tail.position)
            // Both move: a head that is read first never comes past a tail that is read later.
            sum += Int(min(used, map.mask &+ 1)) * SharedLayout.granuleBytes
        }
        return sum
    }

    private var hasRoom: Bool {
        do throws(BusError) {
            if case .tooLittle = try room(wanted.lane, wanted.granules) { return false }
            return true
        } catch {
            // The next `reserve` says it.
            return true
        }
    }

    /// Waits until there is room for what the last `reserve` wanted, or the time (on `BusClock`) is
    /// over; false when it is over. Another producer may be faster to take it.
    package mutating func waitForRoom(until deadline: UInt64, _ wait: BusWait) -> Bool {
        ring()
        let began = BusClock.now
        var found = Sleep.spin(wait, until: deadline) { hasRoom }
        let bell = LinkWords.waitWord(consumer, LinkWords.consumerBell)
        while !found, BusClock.now < deadline {
            let word = poise_bus_word(
                word: UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self),
                value: bell.pointee.load(ordering: .acquiring), reserved: 0)
            map.waitWord(SharedLayout.roomWanted).pointee
                .wrappingAdd(1, ordering: .sequentiallyConsistent)
            found = hasRoom
            if !found { Sleep.sleep(on: [word], until: deadline, isSafe: true) }
            found = found || hasRoom
        }
        count(LinkWords.blockedNanoseconds, wanted.lane, BusClock.now &- began)
        return found
    }
}

import PoiseModel

/// The producer's end of a link, of whichever kind its ring is; with the link's lock.
///
/// A ring of one producer is the rule: for it each call costs one comparison more than its own.
struct LinkWriter: ~Copyable {
    /// Memory without a writer in it where `shared` is set.
    private let ring: UnsafeMutablePointer<RingWriter>
    private let shared: UnsafeMutablePointer<SharedRingWriter>?

    /// Takes up the link where this producer, or an earlier one, left it.
    init(
        _ end: LinkEnd, _ producer: consuming BusMemory, _ consumer: consuming BusMemory
    ) throws(BusError) {
        guard case .writer(let owner) = end.sharing else {
            let own = try RingWriter(
                producer: producer, consumer: consumer, layout: end.layout,
                dropsOldest: end.dropsOldest)
            ring = .allocate(capacity: 1)
            ring.initialize(to: own)
            shared = nil
            return
        }
        let many = try SharedRingWriter(
            data: producer, consumer: consumer,
            layout: SharedLayout(ringBytes: end.layout.ringBytes), owner: owner)
        let place = UnsafeMutablePointer<SharedRingWriter>.allocate(capacity: 1)
        place.initialize(to: many)
        shared = place
        ring = .allocate(capacity: 1)
    }

    deinit {
        if let shared {
            shared.deinitialize(count: 1)
            shared.deallocate()
        } else {
            ring.deinitialize(count: 1)
        }
        ring.deallocate()
    }

    /// The writer of a ring of one producer; nil for a shared one.
    var own: UnsafeMutablePointer<RingWriter>? { shared == nil ? ring : nil }

    @inline(__always)
    func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        guard let shared else {
            return try ring.pointee.reserve(bytes, topic: topic, priority: priority)
        }
        return try shared.pointee.reserve(bytes, topic: topic, priority: priority)
    }

    /// - Parameter inArena: never for a shared ring.
    func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority, context: MessageContext?, inArena: Bool
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        guard let shared else {
            return try ring.pointee.reserve(
                bytes, topic: topic, priority: priority, context: context, inArena: inArena)
        }
        precondition(!inArena, "who reads a shared ring has no arena")
        return try shared.pointee.reserve(
            bytes, topic: topic, priority: priority, context: context)
    }

    /// False when this producer was given up for dead meanwhile: then it is not sent.
    @inline(__always)
    func commit() -> Bool {
        if let shared { return shared.pointee.commit() }
        ring.pointee.commit()
        return true
    }

    /// As `commit`.
    @inline(__always)
    func stage() -> Bool {
        if let shared { return shared.pointee.stage() }
        ring.pointee.stage()
        return true
    }

    func publish() {
        if let shared { shared.pointee.publish() } else { ring.pointee.publish() }
    }

    func abort() {
        if let shared { shared.pointee.abort() } else { ring.pointee.abort() }
    }

    func waitForRoom(until deadline: UInt64, _ wait: BusWait) -> Bool {
        if let shared { return shared.pointee.waitForRoom(until: deadline, wait) }
        return ring.pointee.waitForRoom(until: deadline, wait)
    }

    func count(_ word: Int, _ lane: Int) {
        if let shared { shared.pointee.count(word, lane) } else { ring.pointee.count(word, lane) }
    }

    func nextSequence(_ priority: BusPriority) -> UInt64 {
        shared?.pointee.nextSequence(priority) ?? ring.pointee.nextSequence(priority)
    }

    var depthBytes: Int { shared?.pointee.depthBytes ?? ring.pointee.depthBytes }

    /// As `RingWriter` has it; nothing in a shared ring points into an arena.
    func progress(_ priority: BusPriority) -> (end: UInt64, taken: UInt64?) {
        shared == nil ? ring.pointee.progress(priority) : (0, nil)
    }

    /// As `progress`.
    func references() throws(BusError) -> [(ArenaReference, lane: Int, end: UInt64)] {
        shared == nil ? try ring.pointee.references() : []
    }
}

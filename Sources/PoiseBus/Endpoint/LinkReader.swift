import CLinux
import PoiseModel

/// The consumer's end of a link, of whichever kind its ring is; with the endpoint's receiving turn.
///
/// A ring of one producer is the rule: for it each call costs one comparison more than its own.
struct LinkReader: ~Copyable {
    /// Memory without a reader in it where `shared` is set.
    private let ring: UnsafeMutablePointer<RingReader>
    private let shared: UnsafeMutablePointer<SharedRingReader>?

    /// Takes up the link where its last consumer had committed.
    init(
        _ end: LinkEnd, _ producer: consuming BusMemory, _ consumer: consuming BusMemory,
        arena: consuming BusMemory?
    ) throws(BusError) {
        guard case .reader = end.sharing else {
            let own = try RingReader(
                producer: producer, consumer: consumer, layout: end.layout,
                dropsOldest: end.dropsOldest, arena: arena)
            ring = .allocate(capacity: 1)
            ring.initialize(to: own)
            shared = nil
            return
        }
        let many = try SharedRingReader(
            data: producer, consumer: consumer,
            layout: SharedLayout(ringBytes: end.layout.ringBytes))
        let place = UnsafeMutablePointer<SharedRingReader>.allocate(capacity: 1)
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

    @inline(__always)
    func next() throws(BusError) -> BusMessage? {
        guard let shared else { return try ring.pointee.next() }
        return try shared.pointee.next()
    }

    @inline(__always)
    func hasMessages() -> Bool {
        guard let shared else { return ring.pointee.hasMessages() }
        return shared.pointee.hasMessages()
    }

    var mostUrgentLane: Int? {
        guard let shared else { return ring.pointee.mostUrgentLane }
        return shared.pointee.mostUrgentLane
    }

    /// A message is valid only until the next one is taken.
    var dropsOldest: Bool { shared == nil && ring.pointee.dropsOldest }

    func commit() {
        if let shared { shared.pointee.commit() } else { ring.pointee.commit() }
    }

    func commit(state: UnsafeRawBufferPointer) {
        if let shared {
            shared.pointee.commit(state: state)
        } else {
            ring.pointee.commit(state: state)
        }
    }

    var state: UnsafeRawBufferPointer {
        guard let shared else { return ring.pointee.state }
        return shared.pointee.state
    }

    /// Nothing is overwritten in a shared ring.
    var missed: UInt64 { shared == nil ? ring.pointee.missed : 0 }

    func willSleep() -> poise_bus_word {
        guard let shared else { return ring.pointee.willSleep() }
        return shared.pointee.willSleep()
    }

    func isAwake() {
        if let shared { shared.pointee.isAwake() } else { ring.pointee.isAwake() }
    }
}

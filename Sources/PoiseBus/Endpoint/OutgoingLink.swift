import Glibc
import PoiseModel
import Synchronization

/// The producer's end of a link in this process; any thread may use it that has its lock.
// tidy: allow, the lock guards what changes
final class OutgoingLink: @unchecked Sendable {
    let end: LinkEnd
    /// Locks of several links are taken in this order.
    let number: Int
    let lock = LinkLock()
    /// Whether a link leads back from who is at the other end; set before others see the link.
    let canBeAnswered = Atomic(false)
    /// Its memory is damaged or it was taken away; nothing is written any more.
    let isClosed = Atomic(false)

    var writer: RingWriter
    let spill: (any SpillStore)?
    /// Where a message that is being written is to be copied to; nil: this link does not get it.
    var room: UnsafeMutableRawBufferPointer?
    /// Whether `room` is `spillRoom`.
    var spills = false
    private var spillRoom = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Messages were staged and not published.
    var hasStaged = false
    /// What the thread that has the lock is sending, when this is the first of its links.
    var reservation = Reservation()

    init(_ end: LinkEnd, number: Int, writer: consuming RingWriter, spill: (any SpillStore)?) {
        self.end = end
        self.number = number
        self.writer = writer
        self.spill = spill
    }

    deinit {
        spillRoom.deallocate()
        reservation.free()
    }

    /// Makes this link's place for a message on its way to the disk large enough.
    func makeSpillRoom(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
        if spillRoom.count < bytes {
            spillRoom.deallocate()
            spillRoom = .allocate(byteCount: max(bytes, 4096), alignment: 16)
        }
        return UnsafeMutableRawBufferPointer(rebasing: spillRoom[..<bytes])
    }
}

/// A message that is being written, and the links that get it.
struct Reservation {
    var links: UnsafeMutablePointer<Unmanaged<OutgoingLink>>?
    var capacity = 0
    var count = 0
    var topic: UInt32 = 0
    var priority = BusPriority.normal
    var context: MessageContext?

    mutating func take(_ chosen: UnsafeBufferPointer<Unmanaged<OutgoingLink>>) {
        if capacity < chosen.count {
            links?.deallocate()
            links = .allocate(capacity: chosen.count)
            capacity = chosen.count
        }
        guard let links, let base = chosen.baseAddress else { return }
        links.update(from: base, count: chosen.count)
        count = chosen.count
    }

    func free() { links?.deallocate() }
}

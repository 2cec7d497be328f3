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

    /// It was taken away, and is not damaged.
    var isLeft = false
    let writer: LinkWriter
    /// Opened when the sender's folder is known, of a route that spills.
    var spill: LinkSpill?
    /// For messages too long for the ring; nil: there is none, or this route takes none.
    let arena: SendingArena?
    /// Where a message that is being written is to be copied to; nil: this link does not get it.
    var room: UnsafeMutableRawBufferPointer?
    /// Whether `room` is `spillRoom`.
    var spills = false
    private var spillRoom = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Messages were staged and not published.
    var hasStaged = false
    /// What the thread that has the lock is sending, when this is the first of its links.
    var reservation = Reservation()

    init(_ end: LinkEnd, number: Int, writer: consuming LinkWriter, arena: SendingArena?) {
        self.end = end
        self.number = number
        self.writer = writer
        self.arena = arena
    }

    deinit {
        spillRoom.deallocate()
        reservation.free()
    }

    /// Nothing of it waits to be moved by who comes by now and then.
    var isQuiet: Bool {
        if case .spill = end.full { false } else { true }
    }

    /// Opens the place on disk; with the lock. What cannot be opened is as if it were full.
    func openSpill(in folder: String) {
        guard spill == nil, case .spill(let most) = end.full, let ring = writer.own else { return }
        do throws(BusError) {
            spill = try LinkSpill(
                link: end.link, folder: folder, mostBytes: most,
                writer: ring.pointee)
        } catch {
            spill = nil
        }
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
    /// Where it lies in the arena, when it is too long for a ring.
    var reference: ArenaReference?
    var arena: Unmanaged<SendingArena>?

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

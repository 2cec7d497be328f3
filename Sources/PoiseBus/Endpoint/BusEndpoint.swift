import CLinux
import Glibc
import PoiseModel
import Synchronization

/// What a process has of the bus: links that it writes to, links that it reads from, and the table
/// that says which topic goes where.
///
/// Any thread may send: each link has a lock, held from `reserve` to `commit`. One thread receives
/// at a time; others may wait for replies meanwhile. Whoever looks into the incoming links has the
/// *turn*; a receiver comes before those who wait for replies, and what these find that is no reply
/// is kept for it.
///
/// The routing table is never changed: a new one takes its place, and the old one goes when no send
/// that may use it is under way.
package final class BusEndpoint: Sendable {
    /// A link whose memory cannot be.
    package struct Damage: Sendable, Equatable {
        package var link: String
        /// The other end wrote what cannot be.
        package var byPeer: Bool
        package var text: String
    }

    // tidy: allow, the lock guards it
    private struct Links: @unchecked Sendable {
        var outgoing: [String: OutgoingLink] = [:]
        /// Outgoing links that were taken away and may still be in use.
        var leaving: [OutgoingLink] = []
        /// By source.
        var incoming: [IncomingLink?] = []
        var rows: [RoutingRow] = []
        var nextNumber = 0
        /// Tables that sends under way may use.
        var retired: [Unmanaged<RoutingTable>] = []
        var left: [String] = []
        var arena: SendingArena?
        /// Where messages wait on disk; nil: not known yet.
        var spillFolder: String?
    }

    private let links = Mutex(Links())
    /// The table in use: an unmanaged reference.
    private let table: Atomic<UInt>
    /// Sends between `reserve` and `commit`.
    let sending = Atomic(0)
    /// Goes up for each choice among several.
    let choices = Atomic<UInt64>(0)
    let receiving: ReceivingSide
    private let onDamage: @Sendable (Damage) -> Void

    /// - Parameter onDamage: hears once of each link that is damaged, on the thread that found it.
    package init(
        onDamage: @escaping @Sendable (Damage) -> Void = { _ in }
    ) {
        self.onDamage = onDamage
        receiving = ReceivingSide(onDamage: onDamage)
        let empty = RoutingTable(rows: [], links: [:], waysBack: [])
        table = Atomic(BusEndpoint.word(.passRetained(empty)))
    }

    deinit {
        BusEndpoint.reference(table.load(ordering: .acquiring))?.release()
        links.withLock { links in
            for old in links.retired { old.release() }
        }
    }

    /// Messages of routes that spill wait in this folder.
    package func spill(in folder: String) {
        links.withLock { links in
            links.spillFolder = folder
            for link in links.outgoing.values { openSpill(link, folder) }
        }
    }

    /// Messages too long for a ring lie in this memory, of which `descriptor` is taken over; only
    /// the first counts, and false is given for others.
    package func takeArena(memory: consuming BusMemory, descriptor: Int32) -> Bool {
        guard links.withLock({ $0.arena == nil }) else { return false }
        let arena = SendingArena(memory: memory, descriptor: descriptor)
        links.withLock { $0.arena = arena }
        return true
    }

    /// Takes up the producer's end of a link: its file writable, the consumer's readable. Waits a
    /// while for who still writes to an earlier end of it.
    package func attach(
        sending end: LinkEnd, producer: consuming BusMemory, consumer: consuming BusMemory
    ) throws(BusError) {
        try leaveOld(end.link)
        let writer = try LinkWriter(end, producer, consumer)
        let found = try writer.references()
        let number = links.withLock { links in
            defer { links.nextNumber += 1 }
            return links.nextNumber
        }
        // Who reads a route that overwrites could not copy a long message in time.
        // Who reads a shared ring has no one sender's memory.
        let hasArena = !end.dropsOldest && end.sharing == .none
        let arena = hasArena ? links.withLock { $0.arena } : nil
        arena?.hold(found, link: number)
        let link = OutgoingLink(end, number: number, writer: writer, arena: arena)
        links.withLock { links in
            if let folder = links.spillFolder { openSpill(link, folder) }
            links.outgoing[end.link] = link
            renew(&links)
        }
    }

    private static let patience: UInt64 = 2_000_000_000

    /// Two writers of one ring would spoil it: an earlier end must have been let go.
    private func leaveOld(_ name: String) throws(BusError) {
        links.withLock { links in
            guard let old = links.outgoing.removeValue(forKey: name) else { return }
            links.leaving.append(old)
            renew(&links)
        }
        let end = BusClock.now + BusEndpoint.patience
        while true {
            let isLeft = links.withLock { links in
                finishLeaving(&links)
                return !links.leaving.contains { $0.end.link == name }
            }
            if isLeft { return }
            guard BusClock.now < end else { throw .system("taking up a link in use", Errno(EBUSY)) }
            usleep(100)
        }
    }

    private func openSpill(_ link: OutgoingLink, _ folder: String) {
        guard case .spill = link.end.full else { return }
        link.lock.lock()
        defer { link.lock.unlock() }
        link.openSpill(in: folder)
    }

    /// Takes up the consumer's end of a link: the producer's file readable, its own writable, and
    /// the sender's memory of long messages. What was received by an earlier end of it and is not
    /// done comes again.
    package func attach(
        receiving end: LinkEnd, producer: consuming BusMemory, consumer: consuming BusMemory,
        arena: consuming BusMemory? = nil
    ) throws(BusError) {
        _ = detach(end.link)
        receiving.abandon(end.link)
        let reader = try LinkReader(end, producer, consumer, arena: arena)
        let source = links.withLock { links in
            links.incoming.append(nil)
            return links.incoming.count - 1
        }
        let link = IncomingLink(end, source: UInt32(source), reader: reader)
        links.withLock { links in
            links.incoming[source] = link
            renew(&links)
        }
        receiving.add(link)
    }

    /// Sends by these rows from now on. Links that a row names and that are not attached get
    /// nothing.
    package func route(by rows: [RoutingRow]) {
        links.withLock { links in
            links.rows = rows
            renew(&links)
        }
    }

    /// Leaves a link; `settle` tells when nothing of this process uses it any more. False: there is
    /// none of this name.
    package func detach(_ name: String) -> Bool {
        let (isKnown, incoming) = links.withLock { links in
            let outgoing = links.outgoing.removeValue(forKey: name)
            if let outgoing { links.leaving.append(outgoing) }
            var found: [IncomingLink] = []
            for index in links.incoming.indices {
                guard let link = links.incoming[index], link.end.link == name else { continue }
                found.append(link)
                links.incoming[index] = nil
            }
            if outgoing != nil || !found.isEmpty { renew(&links) }
            return (outgoing != nil || !found.isEmpty, found)
        }
        for link in incoming { receiving.remove(link) }
        return isKnown
    }

    /// Whether there is something for `settle` to come back to.
    package var isSettled: Bool {
        links.withLock { links in
            links.leaving.isEmpty && links.retired.isEmpty
                && links.outgoing.values.allSatisfy { $0.isQuiet }
        } && receiving.isSettled
    }

    /// Finishes what had to wait for others: gives the names of links that were left since the last
    /// time, and moves what waits on disk. Called now and then, from one thread.
    package func settle() -> [String] {
        let gone = receiving.settle()
        return links.withLock { links in
            finishLeaving(&links)
            for link in links.outgoing.values { drainSpill(link) }
            freeRetired(&links)
            defer { links.left = [] }
            return links.left + gone
        }
    }

    private func finishLeaving(_ links: inout Links) {
        var left: [String] = []
        links.leaving.removeAll { link in
            guard link.lock.tryLock() else { return false }
            if !link.isClosed.load(ordering: .relaxed) {
                link.writer.publish()
                link.isLeft = true
            }
            link.isClosed.store(true, ordering: .releasing)
            link.lock.unlock()
            left.append(link.end.link)
            return true
        }
        links.left += left
    }

    /// Bytes that wait in the link of this name, headers included; nil: it is not here.
    package func depth(of name: String) -> Int? {
        guard let link = links.withLock({ $0.outgoing[name] }) else { return nil }
        link.lock.lock()
        defer { link.lock.unlock() }
        return link.writer.depthBytes
    }

    /// Runs with the table in use, which stays until `leave`.
    func enter() -> RoutingTable {
        // Before the load of the table, on every processor: whoever retires one looks at this.
        sending.add(1, ordering: .sequentiallyConsistent)
        guard let now = BusEndpoint.reference(table.load(ordering: .sequentiallyConsistent)) else {
            preconditionFailure("an endpoint without a table")
        }
        return now._withUnsafeGuaranteedRef { $0 }
    }

    /// Whether sends would go by this table now.
    func isCurrent(_ table: RoutingTable) -> Bool {
        self.table.load(ordering: .sequentiallyConsistent)
            == BusEndpoint.word(.passUnretained(table))
    }

    func leave() { sending.subtract(1, ordering: .releasing) }

    /// The link is of no use any more; told once.
    func close(_ link: OutgoingLink, _ error: BusError) {
        let (isFirst, _) = link.isClosed.compareExchange(
            expected: false, desired: true, ordering: .acquiringAndReleasing)
        guard isFirst else { return }
        onDamage(Damage(link: link.end.link, error, own: .producer))
    }

    /// The outgoing link of a number.
    func outgoing(_ number: Int) -> OutgoingLink? {
        links.withLock { $0.outgoing.values.first { $0.number == number } }
    }

    /// All outgoing links.
    func withOutgoing(_ body: (OutgoingLink) -> Void) {
        for link in links.withLock({ Array($0.outgoing.values) }) { body(link) }
    }

    private func drainSpill(_ link: OutgoingLink) {
        guard case .spill = link.end.full, link.lock.tryLock() else { return }
        defer { link.lock.unlock() }
        guard let spill = link.spill, let ring = link.writer.own,
            !link.isClosed.load(ordering: .relaxed)
        else { return }
        do {
            try spill.drain(into: &ring.pointee)
        } catch {
            close(link, error)
        }
    }

    private func renew(_ links: inout Links) {
        let peers = Set(links.incoming.flatMap { $0?.end.peers ?? [] })
        for link in links.outgoing.values {
            // Who reads a shared ring knows its links, and not which of them leads to a sender.
            let isAnswered = peers.contains(link.end.peer) && link.end.sharing == .none
            link.canBeAnswered.store(isAnswered, ordering: .relaxed)
        }
        let outgoing = links.outgoing.values.sorted { $0.end.link < $1.end.link }
        let waysBack = links.incoming.map { incoming -> OutgoingLink? in
            guard incoming?.end.sharing == LinkEnd.Sharing.none else { return nil }
            let fitting = outgoing.filter { $0.end.peer == incoming?.end.peer }
            return fitting.first { $0.end.route == incoming?.end.route } ?? fitting.first
        }
        let new = RoutingTable(rows: links.rows, links: links.outgoing, waysBack: waysBack)
        let old = table.exchange(
            BusEndpoint.word(.passRetained(new)), ordering: .sequentiallyConsistent)
        if let old = BusEndpoint.reference(old) { links.retired.append(old) }
        freeRetired(&links)
    }

    private func freeRetired(_ links: inout Links) {
        guard !links.retired.isEmpty, sending.load(ordering: .sequentiallyConsistent) == 0
        else { return }
        for old in links.retired { old.release() }
        links.retired = []
    }

    private static func word(_ table: Unmanaged<RoutingTable>) -> UInt {
        UInt(bitPattern: table.toOpaque())
    }

    private static func reference(_ word: UInt) -> Unmanaged<RoutingTable>? {
        UnsafeRawPointer(bitPattern: word).map(Unmanaged.fromOpaque)
    }
}

extension BusEndpoint.Damage {
    init(link: String, _ error: BusError, own: BusError.Side) {
        self.link = link
        if case .damaged(let side, _) = error { byPeer = side != own } else { byPeer = false }
        text = "\(error)"
    }
}

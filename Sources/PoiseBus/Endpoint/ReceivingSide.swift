import CLinux
import Glibc
import PoiseModel
import Synchronization

/// A message that was handed out, and who sent it by which link.
package struct ReceivedMessage {
    package let message: BusMessage
    package let source: UInt32
    package let from: UnsafePointer<CChar>
}

/// The incoming links of a process, and who looks into them.
///
/// Whoever looks has the *turn*. One thread receives; when none does, one of those that wait for
/// replies looks for all of them, keeps what is no reply, and gives the turn up when a receiver
/// comes: that one rings.
// tidy: allow, the turn guards what changes
final class ReceivingSide: @unchecked Sendable {
    /// Messages from one link before the others are looked at again.
    private static let looksEvery = 16
    /// Messages that are kept while nobody receives; beyond it those who wait for replies wait.
    static let mostStashed = 4096

    struct Stashed {
        var message: BusMessage
        var link: IncomingLink
        /// Its bytes, where they do not stay in the ring.
        var copy: UnsafeMutableRawBufferPointer?
    }

    let turn = LinkLock()
    /// Threads that want the turn for something short, or to receive.
    let wants = Atomic(0)
    /// Goes up when somebody who waits on it has to look around. The kernel waits on it.
    // tidy: allow, the pointed-to words are atomic
    nonisolated(unsafe) let bell: WaitWord
    /// Goes up when a reply has come, or the turn is free again.
    // tidy: allow, the pointed-to words are atomic
    nonisolated(unsafe) let replyBell: WaitWord
    let waiters = Atomic(0)
    let isReceiving = Atomic(false)
    let isWoken = Atomic(false)
    let replies = ReplyBook()
    private let onDamage: @Sendable (BusEndpoint.Damage) -> Void

    var links: [IncomingLink] = []
    private var leaving: [IncomingLink] = []
    private var touched: [IncomingLink] = []
    var stash: [Stashed] = []
    /// Copies of messages that were handed out and are not done.
    private var copies: [UnsafeMutableRawBufferPointer] = []
    private var current = 0
    private var looksLeft = 0
    private var wait = BusWait.block
    private var words: [poise_bus_word] = []

    init(onDamage: @escaping @Sendable (BusEndpoint.Damage) -> Void) {
        self.onDamage = onDamage
        bell = .allocate(capacity: 1)
        bell.initialize(to: Atomic(0))
        replyBell = .allocate(capacity: 1)
        replyBell.initialize(to: Atomic(0))
        touched.reserveCapacity(128)
    }

    deinit {
        for message in stash { message.copy?.deallocate() }
        for copy in copies { copy.deallocate() }
        bell.deallocate()
        replyBell.deallocate()
    }

    /// Runs with the turn; whoever waits with it gives it up.
    func withTurn<Result>(_ body: () -> Result) -> Result {
        if !turn.tryLock() {
            wants.add(1, ordering: .sequentiallyConsistent)
            ring(bell)
            turn.lock()
            wants.subtract(1, ordering: .releasing)
        }
        defer { freeTurn() }
        return body()
    }

    /// Gives up the turn, and lets those who wait for replies know.
    func freeTurn() {
        turn.unlock()
        if waiters.load(ordering: .relaxed) > 0 { ring(replyBell) }
    }

    func ring(_ word: WaitWord) {
        word.pointee.add(1, ordering: .sequentiallyConsistent)
        _ = poise_bus_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }

    func add(_ link: IncomingLink) {
        withTurn {
            links.append(link)
            arrange()
        }
    }

    func remove(_ link: IncomingLink) {
        withTurn {
            link.isLeaving = true
            links.removeAll { $0 === link }
            // Not handed out: the next consumer gets them.
            stash.removeAll { stashed in
                guard stashed.link === link else { return false }
                stashed.copy?.deallocate()
                link.stashed -= 1
                return true
            }
            leaving.append(link)
            leavingCount.store(leaving.count, ordering: .relaxed)
            arrange()
        }
    }

    /// What is not done of a link that was left is somebody else's from now on.
    func abandon(_ name: String) {
        withTurn {
            for link in leaving where link.end.link == name { link.isDamaged = true }
        }
    }

    var isSettled: Bool { leavingCount.load(ordering: .relaxed) == 0 }
    private let leavingCount = Atomic(0)

    /// The links that were left and of which nobody uses a message any more.
    func settle() -> [String] {
        guard !isSettled else { return [] }
        return withTurn {
            let gone = leaving.filter { !$0.isUsed }
            leaving.removeAll { !$0.isUsed }
            leavingCount.store(leaving.count, ordering: .relaxed)
            return gone.map(\.end.link)
        }
    }

    private func arrange() {
        current = 0
        looksLeft = 0
        let waits = links.map(\.end.wait)
        wait = waits.contains(.spin) ? .spin : waits.contains(.adaptive) ? .adaptive : .block
        words.reserveCapacity(links.count + 1)
        stash.reserveCapacity(64)
    }

    /// The next message for who receives; nil when there is none now.
    func next() -> ReceivedMessage? {
        if !stash.isEmpty { return unstash() }
        while let (message, link) = take() {
            if let context = message.context, context.isReply {
                settleReply(message, link)
                continue
            }
            return hand(out: message, link)
        }
        return nil
    }

    private func hand(out message: BusMessage, _ link: IncomingLink) -> ReceivedMessage {
        if link.handedOut == 0 { touched.append(link) }
        link.handedOut += 1
        return ReceivedMessage(
            message: message, source: link.source, from: link.sender(of: message))
    }

    private func unstash() -> ReceivedMessage? {
        var best = 0
        for index in stash.indices
        where stash[index].message.priority.rawValue < stash[best].message.priority.rawValue {
            best = index
        }
        let kept = stash.remove(at: best)
        kept.link.stashed -= 1
        if let copy = kept.copy { copies.append(copy) }
        return hand(out: kept.message, kept.link)
    }

    /// Takes replies to their places and keeps all else; whether there was anything.
    func sortOut() -> Bool {
        var found = false
        while stash.count < ReceivingSide.mostStashed, let (message, link) = take() {
            found = true
            if let context = message.context, context.isReply {
                settleReply(message, link)
                continue
            }
            link.stashed += 1
            guard link.reader.dropsOldest else {
                stash.append(Stashed(message: message, link: link))
                continue
            }
            // Valid only until the next one is taken.
            let (kept, copy) = message.copied
            stash.append(Stashed(message: kept, link: link, copy: copy))
        }
        return found
    }

    private func settleReply(_ message: BusMessage, _ link: IncomingLink) {
        replies.take(message)
        if !link.isUsed { link.commit() }
        if waiters.load(ordering: .relaxed) > 0 { ring(replyBell) }
    }

    /// The next message of the most urgent lane that any link has, in turn among the links of a
    /// lane. A link is stayed with for some messages, as a lane of a ring is.
    private func take() -> (BusMessage, IncomingLink)? {
        while true {
            if looksLeft <= 0 || !links.indices.contains(current) {
                guard look() else { return nil }
            }
            let link = links[current]
            looksLeft -= 1
            do {
                if let message = try link.reader.next() { return (message, link) }
                looksLeft = 0
                guard look() else { return nil }
            } catch {
                damaged(link, error)
            }
        }
    }

    /// Finds the link to take from; false when there is nothing anywhere.
    private func look() -> Bool {
        var best: (index: Int, lane: Int)?
        let count = links.count
        for step in 0..<count {
            let index = (current + 1 + step) % count
            guard let lane = links[index].reader.mostUrgentLane else { continue }
            if lane < best?.lane ?? LinkLayout.lanes { best = (index, lane) }
            if lane == 0 { break }
        }
        guard let best else { return false }
        current = best.index
        looksLeft = ReceivingSide.looksEvery
        return true
    }

    private func damaged(_ link: IncomingLink, _ error: BusError) {
        link.isDamaged = true
        links.removeAll { $0 === link }
        // What was handed out stays readable until it is done.
        if link.isUsed { leavingQuietly.append(link) }
        arrange()
        onDamage(BusEndpoint.Damage(link: link.end.link, error, own: .consumer))
    }

    /// Damaged links that are in use; nobody is told when they go.
    private var leavingQuietly: [IncomingLink] = []

    /// All that was handed out is done.
    func done() {
        for link in touched { link.commit() }
        touched.removeAll(keepingCapacity: true)
        freeCopies()
        if !leavingQuietly.isEmpty { leavingQuietly.removeAll { !$0.isUsed } }
    }

    /// All that was handed out of a source is done, and `state` is kept with its link. False: there
    /// is no such source.
    func done(_ source: UInt32, state: UnsafeRawBufferPointer) -> Bool {
        guard let link = link(source) else { return false }
        touched.removeAll { $0 === link }
        link.commit(state: state)
        if touched.isEmpty { freeCopies() }
        return !link.isDamaged
    }

    /// The link of a source: one that is here, or left and still in use.
    func link(_ source: UInt32) -> IncomingLink? {
        links.first { $0.source == source } ?? leaving.first { $0.source == source }
            ?? leavingQuietly.first { $0.source == source }
    }

    private func freeCopies() {
        guard !copies.isEmpty else { return }
        for copy in copies { copy.deallocate() }
        copies.removeAll(keepingCapacity: true)
    }
}

extension ReceivingSide {
    /// Waits for a message in any link, a ring of the bell, or the end of time. With the turn.
    func waitForSomething(until deadline: UInt64, _ seen: UInt32) {
        if Sleep.spin(wait, until: deadline, { isSomething(seen) }) { return }
        words.removeAll(keepingCapacity: true)
        words.append(
            poise_bus_word(
                word: UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self), value: seen,
                reserved: 0))
        // The kernel waits on so many words; what the rest has is looked for each millisecond.
        let most = Int(POISE_BUS_MOST_WORDS) - 1
        let slept = links.prefix(most)
        for link in slept { words.append(link.reader.willSleep()) }
        let isSafe = RingReader.lastLook() && links.count <= most
        if !isSomething(seen) { Sleep.sleep(on: words, until: deadline, isSafe: isSafe) }
        for link in slept { link.reader.isAwake() }
    }

    private func isSomething(_ seen: UInt32) -> Bool {
        if bell.pointee.load(ordering: .sequentiallyConsistent) != seen { return true }
        for link in links where link.reader.hasMessages() { return true }
        return false
    }
}

extension BusMessage {
    /// The same message in memory of its own, with what it carries.
    fileprivate var copied: (BusMessage, UnsafeMutableRawBufferPointer) {
        let lead = Record.contextBytes
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: lead + payload.count, alignment: 16)
        var contextCopy: UnsafeRawPointer?
        if let contextStart, let base = room.baseAddress {
            base.copyMemory(from: contextStart, byteCount: lead)
            contextCopy = UnsafeRawPointer(base)
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: room[lead...])
        bytes.copyMemory(from: payload)
        let message = BusMessage(
            payload: UnsafeRawBufferPointer(bytes), topic: topic, lane: lane, second: second,
            stamp: stamp, contextStart: contextCopy)
        return (message, room)
    }
}

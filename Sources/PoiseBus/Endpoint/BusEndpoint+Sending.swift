import Glibc
package import PoiseModel
import Synchronization

extension BusEndpoint {
    /// A message that is being written: `commit` or `abort` follows on the same thread.
    package struct Outgoing {
        package let bytes: UnsafeMutableRawBufferPointer
        /// The number that its reply is awaited by; 0: none is wanted.
        package let request: UInt64
        /// The first of its links, for `Outgoing(handle:)`.
        let first: Unmanaged<OutgoingLink>

        /// What stands for it across the plugin border.
        package var handle: UInt { UInt(bitPattern: first.toOpaque()) }
    }

    /// Longest time in one piece that a thread waits for room with the link's lock: a thread with
    /// a more urgent message gets the lock after it.
    private static let waitPiece: UInt64 = 500_000
    /// Longest time that a message waits for a link that its table names and that is not here.
    private static let linkPatience: UInt64 = 200_000_000

    /// Room for a message in all links that get it, in place in the first of them; waits as the
    /// routes say. All get it or, when one that waits has no room in time, none.
    package func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority, context: MessageContext? = nil
    ) throws(SendFailure) -> Outgoing {
        let message = Draft(bytes, topic, priority, context)
        while true {
            let table = enterComplete(topic)
            do throws(SendFailure) {
                return try reserve(message, by: table)
            } catch {
                leave()
                // One of its links was left meanwhile: there is another table, or soon will be.
                guard error == .gone, !isCurrent(table) else { throw error }
            }
        }
    }

    private func reserve(
        _ message: Draft, by table: RoutingTable
    ) throws(SendFailure) -> Outgoing {
        let groups = table.groups(message.topic)
        guard groups.count > 0 else { throw .noRoute }
        guard groups.count == 1 else { return try reserve(message, in: groups) }
        let link = choose(groups[0])
        return try withUnsafePointer(to: link) { (start) throws(SendFailure) in
            try reserve(message, UnsafeBufferPointer(start: start, count: 1))
        }
    }

    /// The table in use, once all links that this topic goes by are here: one that takes the place
    /// of another comes in a moment.
    private func enterComplete(_ topic: UInt32) -> RoutingTable {
        var end: UInt64 = 0
        while true {
            let table = enter()
            guard table.lacks(topic) else { return table }
            let now = BusClock.now
            if end == 0 { end = now + BusEndpoint.linkPatience }
            guard now < end else { return table }
            leave()
            usleep(200)
        }
    }

    /// Room for a reply to a message that came by `source`; `most` says until when somebody waits.
    package func reserveReply(
        _ bytes: Int, to source: UInt32, request: UInt64, deadline: UInt64, topic: UInt32,
        priority: BusPriority, trace: TraceContext?
    ) throws(SendFailure) -> Outgoing {
        guard deadline == 0 || BusClock.now < deadline else { throw .late }
        let table = enter()
        do throws(SendFailure) {
            guard let link = table.wayBack(source) else { throw .noWayBack }
            var context = MessageContext()
            context.trace = trace
            context.request = request
            context.isReply = true
            context.deadlineNanoseconds = deadline
            var first = Unmanaged.passUnretained(link)
            return try withUnsafePointer(to: &first) { (start) throws(SendFailure) in
                try reserve(
                    Draft(bytes, topic, priority, context),
                    UnsafeBufferPointer(start: start, count: 1))
            }
        } catch {
            leave()
            throw error
        }
    }

    /// The message is whole: others may see it.
    package func commit(_ handle: UInt) { finish(handle, stages: false) }

    /// The message is whole; others see it with the next `commit` by the same links, or `publish`.
    package func stage(_ handle: UInt) { finish(handle, stages: true) }

    /// The message is not sent.
    package func abort(_ handle: UInt) {
        guard let first = BusEndpoint.link(handle) else { return }
        first._withUnsafeGuaranteedRef { link in
            let reservation = link.reservation
            if let request = reservation.context?.request, reservation.context?.isReply == false {
                receiving.forget(request)
            }
            release(reservation, aborts: true)
            if let reference = reservation.reference {
                reservation.arena?._withUnsafeGuaranteedRef { $0.release(reference) }
            }
        }
        leave()
    }

    /// Shows all messages that were staged.
    package func publish() {
        withOutgoing { link in
            link.lock.lock()
            defer { link.lock.unlock() }
            guard link.hasStaged, !link.isClosed.load(ordering: .relaxed) else { return }
            link.hasStaged = false
            link.writer.publish()
        }
    }

    /// What a message is before there is room for it.
    struct Draft {
        let bytes: Int
        let topic: UInt32
        let priority: BusPriority
        let context: MessageContext?
        /// Where it lies in the arena, when it is too long for a ring.
        var long: (reference: ArenaReference, room: UnsafeMutableRawBufferPointer)?

        init(_ bytes: Int, _ topic: UInt32, _ priority: BusPriority, _ context: MessageContext?) {
            self.bytes = bytes
            self.topic = topic
            self.priority = priority
            self.context = context
        }
    }

    private static func link(_ handle: UInt) -> Unmanaged<OutgoingLink>? {
        UnsafeRawPointer(bitPattern: handle).map(Unmanaged.fromOpaque)
    }

    private func reserve(
        _ message: Draft, in groups: UnsafeBufferPointer<RoutingTable.Group>
    ) throws(SendFailure) -> Outgoing {
        var failure: SendFailure?
        let outgoing = withUnsafeTemporaryAllocation(
            of: Unmanaged<OutgoingLink>.self, capacity: groups.count
        ) { room -> Outgoing? in
            for (index, group) in groups.enumerated() {
                // Locks are taken in the order of the links' numbers.
                let link = choose(group)
                var place = index
                while place > 0, room[place - 1].number > link.number {
                    room[place] = room[place - 1]
                    place -= 1
                }
                room[place] = link
            }
            do throws(SendFailure) {
                return try reserve(message, UnsafeBufferPointer(room))
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        guard let outgoing else { throw .gone }
        return outgoing
    }

    /// Locks all links and reserves in each; waits, without the locks of others, when one is full.
    private func reserve(
        _ message: Draft, _ links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>
    ) throws(SendFailure) -> Outgoing {
        var longest = Int.max
        for link in links { longest = min(longest, link.longest) }
        guard message.bytes > longest else { return try reserveRoom(message, links) }
        let arena = links[0]._withUnsafeGuaranteedRef { $0.arena }
        guard let arena,
            links.allSatisfy({ $0._withUnsafeGuaranteedRef { $0.arena } === arena })
        else { throw .tooLong(most: longest) }
        var message = message
        let long = try room(in: arena, for: message, links)
        message.long = long
        do throws(SendFailure) {
            let outgoing = try reserveRoom(message, links)
            outgoing.first._withUnsafeGuaranteedRef { link in
                link.reservation.reference = long.reference
                link.reservation.arena = .passUnretained(arena)
            }
            return Outgoing(
                bytes: long.room, request: outgoing.request, first: outgoing.first)
        } catch {
            arena.release(long.reference)
            throw error
        }
    }

    /// Room in the arena; waits as the route of the first link says.
    private func room(
        in arena: SendingArena, for message: Draft,
        _ links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>
    ) throws(SendFailure) -> (reference: ArenaReference, room: UnsafeMutableRawBufferPointer) {
        var time: UInt64 = 0
        if case .block(let most) = links[0]._withUnsafeGuaranteedRef({ $0.end.full }) {
            time = UInt64(clamping: most.wholeNanoseconds)
        }
        let end = BusClock.now &+ time
        while true {
            do throws(BusError) {
                if let room = try arena.reserve(message.bytes, { self.taken($0, $1) }) {
                    return room
                }
            } catch {
                if case .tooLong(_, let most) = error { throw .tooLong(most: most) }
                throw .full
            }
            guard BusClock.now < end else { throw .full }
            usleep(200)
        }
    }

    /// How far the receiver of a link has taken a lane; a link that is gone has taken all.
    private func taken(_ number: Int, _ lane: Int) -> UInt64? {
        guard let link = outgoing(number) else { return .max }
        guard let priority = BusPriority(rawValue: lane), link.lock.tryLock() else { return nil }
        defer { link.lock.unlock() }
        return link.writer.progress(priority).taken
    }

    private func reserveRoom(
        _ message: Draft, _ links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>
    ) throws(SendFailure) -> Outgoing {
        var began: UInt64 = 0
        while true {
            try lock(links)
            switch room(for: message, in: links) {
            case .room(let bytes):
                let first = links[0]
                first._withUnsafeGuaranteedRef { link in
                    link.reservation.take(links)
                    link.reservation.topic = message.topic
                    link.reservation.priority = message.priority
                    link.reservation.context = message.context
                    link.reservation.reference = nil
                    link.reservation.arena = nil
                }
                let isReply = message.context?.isReply ?? true
                return Outgoing(
                    bytes: bytes, request: isReply ? 0 : message.context?.request ?? 0,
                    first: first)
            case .dropped:
                unlock(links, aborts: true)
                throw .dropped
            case .gone, .left:
                unlock(links, aborts: true)
                throw .gone
            case .tooLong(let most):
                unlock(links, aborts: true)
                throw .tooLong(most: most)
            case .full(let index, let time):
                let now = BusClock.now
                if began == 0 { began = now }
                let end = began &+ time
                unlock(links, aborts: true, but: index)
                let isOver = now >= end
                links[index]._withUnsafeGuaranteedRef { link in
                    if isOver {
                        link.writer.count(LinkWords.refused, message.priority.rawValue)
                        link.lock.unlock()
                    } else {
                        wait(for: link, until: min(end, now &+ BusEndpoint.waitPiece))
                    }
                }
                if isOver { throw .full }
            }
        }
    }

    private enum LinksOutcome {
        case room(UnsafeMutableRawBufferPointer)
        case full(Int, nanoseconds: UInt64)
        case dropped
        case gone
        /// It was taken away: somebody else may have its place.
        case left
        case tooLong(most: Int)
    }

    private func wait(for link: OutgoingLink, until end: UInt64) {
        _ = link.writer.waitForRoom(until: end, link.end.wait)
        let isWanted = link.lock.isWanted
        link.lock.unlock()
        // Whoever waits for the lock is woken by now; it goes first.
        if isWanted { usleep(50) }
    }

    /// Takes the locks; none when this thread already has one of them.
    private func lock(
        _ links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>
    ) throws(SendFailure) {
        for link in links where link._withUnsafeGuaranteedRef({ $0.lock.isMine }) { throw .busy }
        for link in links { link._withUnsafeGuaranteedRef { $0.lock.lock() } }
    }

    private func unlock(
        _ links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>, aborts: Bool, but kept: Int? = nil
    ) {
        for index in links.indices.reversed() {
            links[index]._withUnsafeGuaranteedRef { link in
                if aborts, link.room != nil { link.writer.abort() }
                link.room = nil
                if index != kept { link.lock.unlock() }
            }
        }
    }

    private func room(
        for message: Draft, in links: UnsafeBufferPointer<Unmanaged<OutgoingLink>>
    ) -> LinksOutcome {
        var first: UnsafeMutableRawBufferPointer?
        var drops = false
        for index in links.indices {
            let outcome = links[index]._withUnsafeGuaranteedRef { room(for: message, in: $0) }
            switch outcome {
            case .room(let bytes): first = first ?? bytes
            case .dropped: drops = true
            case .gone: break
            case .left: return .left
            case .full(_, let time): return .full(index, nanoseconds: time)
            case .tooLong(let most): return .tooLong(most: most)
            }
        }
        if let first { return .room(first) }
        return drops ? .dropped : .gone
    }

    private func room(for message: Draft, in link: OutgoingLink) -> LinksOutcome {
        link.room = nil
        link.spills = false
        guard !link.isClosed.load(ordering: .relaxed) else {
            return link.isLeft ? .left : .gone
        }
        do {
            if let spill = link.spill, spill.holds(message.priority), let ring = link.writer.own {
                try spill.drain(into: &ring.pointee)
                if spill.holds(message.priority) { return roomOnDisk(message, link) }
            }
            link.room =
                message.context == nil && message.long == nil
                ? try link.writer.reserve(
                    message.bytes, topic: message.topic, priority: message.priority)
                : try link.writer.reserve(
                    message.long == nil ? message.bytes : ArenaReference.bytes,
                    topic: message.topic, priority: message.priority, context: message.context,
                    inArena: message.long != nil)
        } catch {
            close(link, error)
            return .gone
        }
        if let room = link.room { return .room(room) }
        switch link.end.full {
        case .block(let time): return .full(0, nanoseconds: UInt64(clamping: time.wholeNanoseconds))
        case .spill:
            return roomOnDisk(message, link)
        case .dropOldest, .dropNewest:
            link.writer.count(LinkWords.droppedNewest, message.priority.rawValue)
            return .dropped
        }
    }

    private func roomOnDisk(_ message: Draft, _ link: OutgoingLink) -> LinksOutcome {
        // What lies in the arena cannot wait on disk: nothing would hold it there.
        guard link.spill != nil, message.long == nil else { return .full(0, nanoseconds: 0) }
        let room = link.makeSpillRoom(message.bytes)
        link.room = room
        link.spills = true
        return .room(room)
    }

    private func finish(_ handle: UInt, stages: Bool) {
        guard let first = BusEndpoint.link(handle) else { return }
        first._withUnsafeGuaranteedRef { link in
            let reservation = link.reservation
            guard let links = reservation.links else { return }
            // A block is let go when nothing holds it: so until all links do, nobody looks.
            let arena = reservation.arena
            arena?._withUnsafeGuaranteedRef { $0.lock.lock() }
            defer { arena?._withUnsafeGuaranteedRef { $0.lock.unlock() } }
            var source: UnsafeMutableRawBufferPointer?
            for index in 0..<reservation.count {
                links[index]._withUnsafeGuaranteedRef { link in
                    guard let room = link.room else { return }
                    if let reference = reservation.reference {
                        reference.write(to: room)
                    } else if let source {
                        room.copyMemory(from: UnsafeRawBufferPointer(source))
                    } else {
                        source = room
                    }
                }
            }
            for index in 0..<reservation.count {
                links[index]._withUnsafeGuaranteedRef { send(reservation, by: $0, stages) }
            }
            release(reservation, aborts: false)
        }
        leave()
    }

    private func send(_ message: Reservation, by link: OutgoingLink, _ stages: Bool) {
        guard let room = link.room else { return }
        link.room = nil
        var isSent = true
        if link.spills {
            var isKept = false
            do throws(BusError) {
                isKept =
                    try link.spill?.append(
                        UnsafeRawBufferPointer(room), message,
                        nextSequence: link.writer.nextSequence(message.priority)) ?? false
            } catch {
                // The disk is full, or worse: the message is counted as refused.
                isKept = false
            }
            let word = isKept ? LinkWords.spilled : LinkWords.refused
            link.writer.count(word, message.priority.rawValue)
        } else if stages || link.hasStaged {
            isSent = link.writer.stage()
            if !stages { link.writer.publish() }
            link.hasStaged = stages
        } else {
            isSent = link.writer.commit()
        }
        // Somebody has given this producer up for dead.
        if !isSent { link.writer.count(LinkWords.refused, message.priority.rawValue) }
        if let reference = message.reference {
            let hold = ArenaWriter.Hold(
                link: link.number, lane: message.priority.rawValue,
                end: link.writer.progress(message.priority).end)
            message.arena?._withUnsafeGuaranteedRef { $0.hold(reference, hold) }
        }
    }

    /// Unlocks the links of a message; the first last, since what it is about lies there.
    private func release(_ reservation: Reservation, aborts: Bool) {
        guard let links = reservation.links else { return }
        unlock(UnsafeBufferPointer(start: links, count: reservation.count), aborts: aborts)
    }
}

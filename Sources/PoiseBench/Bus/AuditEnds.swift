import Glibc
import PoiseBus
import PoiseModel

/// The ends of the loss audit, each of which may be killed between any two instructions.
enum AuditEnds {
    private static let readsPerCommit = 128

    /// Sends the messages of one producer in four lanes, from where the last process left off.
    static func produce(_ order: BusEndOrder) throws(BusError) -> EndReport {
        var writer = try GivenLinks.writer(0, order)
        let quota = UInt64(order["quota"])
        let lanes = BusPriority.allCases.map {
            AuditStream(producer: order["producer"], lane: $0.rawValue)
        }
        var left = lanes.count { writer.nextSequence(priority(of: $0)) < quota }
        // Batches of different lengths, in one lane and across lanes.
        var random = SplitMix(seed: UInt64(getpid()) &* 977 &+ BusClock.now)
        BusEnd.ready()
        while left > 0 {
            let stream = lanes[random.below(lanes.count)]
            let priority = priority(of: stream)
            var number = writer.nextSequence(priority)
            guard number < quota else { continue }
            let end = min(quota, number + 1 + UInt64(random.below(96)))
            while number < end {
                let room = try writer.reserve(
                    stream.bytes(number), topic: BenchMessage.topic, priority: priority)
                guard let room else {
                    _ = writer.waitForRoom(until: BusClock.now + 1_000_000_000, .adaptive)
                    continue
                }
                stream.fill(room, number)
                writer.stage()
                number += 1
            }
            if number == quota { left -= 1 }
            if random.below(4) != 0 || left == 0 { writer.publish() }
        }
        return EndReport()
    }

    private static func priority(of stream: AuditStream) -> BusPriority {
        BusPriority(rawValue: stream.lane) ?? .low
    }

    /// Reads all links, with what it found kept in each link beside its cursor.
    static func consume(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let links = try LinkList<RingReader>(count: order["links"]) { index throws(BusError) in
            try GivenLinks.reader(index, order)
        }
        let quota = UInt64(order["quota"])
        var states = (0..<links.count).map { AuditState(links[$0].state) }
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: AuditState.bytes, alignment: 8)
        defer { room.deallocate() }
        BusEnd.ready()
        var index = 0
        var idle = 0
        while states.contains(where: { $0.lanes.contains { $0.next < quota } }) {
            if try read(links, index, &states[index], room) {
                idle = 0
            } else {
                idle += 1
                if idle > 2 * links.count {
                    _ = links[index].waitForMessages(until: BusClock.now + 200_000, .adaptive)
                }
            }
            index = index + 1 == links.count ? 0 : index + 1
        }
        return report(of: states)
    }

    /// Reads and commits some messages of a link; false when there were none.
    private static func read(
        _ links: borrowing LinkList<RingReader>, _ index: Int, _ state: inout AuditState,
        _ room: UnsafeMutableRawBufferPointer
    ) throws(BusError) -> Bool {
        var taken = 0
        while taken < readsPerCommit, let message = try links[index].next() {
            let stream = AuditStream(producer: index, lane: message.priority.rawValue)
            state.take(stream, message.payload)
            taken += 1
        }
        guard taken > 0 else { return false }
        state.store(room)
        links[index].commit(state: UnsafeRawBufferPointer(room))
        return true
    }

    /// The sums of all streams.
    static func report(of states: [AuditState]) -> EndReport {
        var report = EndReport()
        let lanes = states.flatMap(\.lanes)
        report["messages"] = lanes.reduce(0) { $0 + Int($1.count) }
        report["lost"] = lanes.reduce(0) { $0 + Int($1.lost) }
        report["duplicated"] = lanes.reduce(0) { $0 + Int($1.duplicated) }
        report["outOfOrder"] = lanes.reduce(0) { $0 + Int($1.outOfOrder) }
        report["damaged"] = states.reduce(0) { $0 + Int($1.damaged) }
        let checksum = lanes.reduce(UInt64(0)) { $0 &+ $1.checksum }
        report["checksum"] = Int(truncatingIfNeeded: checksum)
        return report
    }
}

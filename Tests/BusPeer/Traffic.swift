import Glibc
import PoiseBus
import PoiseModel

func say(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// What is wrong with what came.
struct Wrong: Error { var text: String }

/// Messages whose every byte follows from their producer, lane and number, so that one that is
/// torn, lost, doubled or out of order is seen.
enum Traffic {
    static func length(_ producer: Int, _ lane: Int, _ number: UInt64, most: Int) -> Int {
        var random = SplitMix64(seed: number &* 256 &+ UInt64(producer * 4 + lane))
        // Most are short, some are as long as may be.
        let bound = random.next() % 16 == 0 ? most : min(most, 200)
        return Int(random.next() % UInt64(bound + 1))
    }

    static func byte(_ producer: Int, _ lane: Int, _ number: UInt64, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: number &* 31 &+ UInt64(producer &* 7 &+ lane &* 3 &+ index))
    }

    static func fill(
        _ room: UnsafeMutableRawBufferPointer, _ producer: Int, _ lane: Int, _ number: UInt64
    ) {
        for index in room.indices { room[index] = byte(producer, lane, number, index) }
    }

    static func check(_ message: BusMessage, most: Int) throws(Wrong) {
        let (producer, lane) = (message.producerIndex, message.priority.rawValue)
        let number = message.sequence
        guard message.payload.count == length(producer, lane, number, most: most) else {
            throw Wrong(text: "message \(number) of \(producer) has \(message.payload.count) bytes")
        }
        for index in message.payload.indices
        where message.payload[index] != byte(producer, lane, number, index) {
            throw Wrong(text: "message \(number) of \(producer) is torn at \(index)")
        }
    }

    /// Sends until `count` messages of each lane were ever committed by this producer.
    static func send<End: Sending & ~Copyable>(
        _ end: inout End, producer: Int, count: UInt64, most: Int, random: inout SplitMix64
    ) throws {
        var lanes = BusPriority.allCases
        while true {
            lanes.removeAll { end.nextSequence($0) >= count }
            if lanes.isEmpty { break }
            let priority = lanes[Int(random.next() % UInt64(lanes.count))]
            let number = end.nextSequence(priority)
            let lane = priority.rawValue
            let bytes = length(producer, lane, number, most: most)
            guard let room = try end.room(bytes, priority) else {
                let wait = BusWait.allCases[1 + Int(random.next() % 2)]
                _ = end.waitForRoom(until: BusClock.now + 5_000_000_000, wait)
                continue
            }
            fill(room, producer, lane, number)
            switch random.next() % 64 {
            case 0: end.abort()
            case 1:
                // Time to die in the middle of a message.
                usleep(UInt32(random.next() % 300))
                end.put()
            default: end.put()
            }
            if random.next() % 8 == 0 { end.publish() }
        }
        end.publish()
    }

    /// Receives until `count` messages of each lane of each producer have come, and keeps how many
    /// have in the link's state: each must come exactly once, wherever this process was killed.
    static func receive<End: Receiving & ~Copyable>(
        _ end: inout End, producers: Int, count: UInt64, most: Int, random: inout SplitMix64
    ) throws {
        let lanes = LinkLayout.lanes
        var next = [UInt64](repeating: 0, count: producers * lanes)
        next.withUnsafeMutableBytes { bytes in
            let kept = end.state
            if kept.count == bytes.count { bytes.copyMemory(from: kept) }
        }
        var since = 0
        while next.contains(where: { $0 < count }) {
            guard let message = try end.next() else {
                next.withUnsafeBytes { end.commit(state: $0) }
                let wait = BusWait.allCases[1 + Int(random.next() % 2)]
                _ = end.wait(wait, until: BusClock.now + 5_000_000_000)
                continue
            }
            guard message.producerIndex < producers else {
                throw Wrong(text: "there is no producer \(message.producerIndex)")
            }
            let index = message.producerIndex * lanes + message.priority.rawValue
            guard message.sequence == next[index] else {
                throw Wrong(
                    text: "message \(message.sequence) of \(message.producerIndex), lane "
                        + "\(message.priority), where \(next[index]) is next")
            }
            try check(message, most: most)
            next[index] += 1
            since += 1
            if since > Int(random.next() % 32) {
                next.withUnsafeBytes { end.commit(state: $0) }
                since = 0
            }
        }
        next.withUnsafeBytes { end.commit(state: $0) }
    }
}

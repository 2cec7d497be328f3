/// The ring of one producer and one consumer: records of one or two slots that never wrap, tails
/// and heads, and what is written down for the next producer.
struct RingModel {
    enum Mistake: CaseIterable {
        case none
        /// The tail is told before the record is written.
        case publishesFirst
        /// The tail is told by a store that does not release.
        case doesNotRelease
        /// Heads are told before the record was read.
        case commitsFirst
        /// The next producer walks the records of the lap instead of what was written down.
        case walksTheLap
        /// The number is written down after the tail moved.
        case writesDownLate
    }

    static let slots: UInt8 = 4
    static let messages: UInt8 = 5
    private static let tail = 0, head = 1, sent = 2, markNumber = 3, markTail = 4, ring = 6
    private static let padding: UInt8 = 0xFF

    let mistake: Mistake

    var model: Model {
        let mistake = mistake
        return Model(
            name: "ring", words: 10,
            processes: [{ Self.produce(&$0, mistake) }, { Self.consume(&$0, mistake) }],
            kills: [1, 1], buffer: 3, storesOvertake: true,
            isOver: { shared in
                shared.step(of: 0) == Model.ended && shared.bytes[Self.head] == Self.end
            })
    }

    private static func length(_ number: UInt8) -> UInt8 { 1 + number % 2 }

    /// Where a message begins, by the number of messages before it.
    private static func start(_ number: UInt8) -> UInt8 {
        var at: UInt8 = 0
        for earlier in 0...number {
            if at % slots + length(earlier) > slots { at += slots - at % slots }
            if earlier < number { at += length(earlier) }
        }
        return at
    }

    private static let end = start(messages - 1) + length(messages - 1)
    /// How many messages lie before a position at which one ends.
    private static func count(_ position: UInt8) -> UInt8 {
        (0..<messages).last { start($0) + length($0) <= position }.map { $0 + 1 } ?? 0
    }

    private static func slot(_ position: UInt8) -> Int { ring + Int(position % slots) }

    // Registers: 0 tail, 1 number, 2 head, 3 whether the mark fits, 4 where the record begins,
    // 5 walk.
    private static func produce(_ turn: inout Turn, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            turn[0] = turn.load(tail)
            turn[5] = turn[0] == 0 ? 0 : (turn[0] - 1) / slots * slots
            turn.step = mistake == .walksTheLap && turn[0] > 0 ? 20 : 1
        case 1:
            turn[3] = turn.load(markTail) == turn[0] ? 1 : 0
            turn.step = 2
        case 2:
            turn[1] = turn[0] == 0 ? 0 : turn.load(turn[3] == 1 ? markNumber : sent)
            turn.step = 3
        case 20:
            let record = turn.load(slot(turn[5]))
            if record == padding {
                turn[5] += slots - turn[5] % slots
            } else {
                turn[1] = record / 4 + 1
                turn[5] += record > 99 ? slots : record % 4
            }
            if turn[5] > turn[0] { return turn.fail("the walk goes beyond the tail") }
            if turn[5] == turn[0] {
                guard turn[1] == count(turn[0]) else {
                    return turn.fail("the walk ends with number \(turn[1])")
                }
                turn.step = 3
            }
        case 3:
            guard turn[1] < messages else { return turn.step = Model.ended }
            turn[2] = turn.load(head)
            turn[4] = start(turn[1])
            guard turn[0] <= turn[4] else {
                return turn.fail("message \(turn[1]) is sent again after \(turn[0])")
            }
            if turn[4] + length(turn[1]) - turn[2] > slots { return }
            let isLate = mistake == .publishesFirst
            turn.step = isLate ? 7 : turn[4] != turn[0] ? 4 : 5
        case 4...6: write(&turn, mistake)
        default: publish(&turn, mistake)
        }
    }

    private static func write(_ turn: inout Turn, _ mistake: Mistake) {
        let after: UInt8 = mistake == .publishesFirst ? 9 : 7
        switch turn.step {
        case 4:
            turn.store(slot(turn[0]), padding)
            turn.step = 5
        case 5:
            turn.store(slot(turn[4]), turn[1] * 4 + length(turn[1]))
            turn.step = length(turn[1]) == 2 ? 6 : after
        default:
            turn.store(slot(turn[4] + 1), 100 + turn[1])
            turn.step = after
        }
    }

    private static func publish(_ turn: inout Turn, _ mistake: Mistake) {
        let next = turn[4] + length(turn[1])
        let isLate = mistake == .writesDownLate
        switch turn.step {
        case 7:
            if !isLate { turn.store(sent, turn[1] + 1) }
            turn.step = 8
        case 8:
            turn.store(tail, next, releasing: mistake != .doesNotRelease)
            turn.step = mistake == .publishesFirst ? (turn[4] != turn[0] ? 4 : 5) : 9
        case 9:
            if isLate { turn.store(sent, turn[1] + 1) }
            turn.step = 10
        case 10:
            turn.store(markNumber, turn[1] + 1, releasing: true)
            turn.step = 11
        case 11:
            turn.store(markTail, next, releasing: true)
            turn.step = 12
        default:
            turn[0] = next
            turn[1] += 1
            turn.step = 3
        }
    }

    // Registers: 0 head, 1 expected number, 2 where the record begins.
    private static func consume(_ turn: inout Turn, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            turn[0] = turn.load(head)
            turn[1] = count(turn[0])
            turn.step = 1
        case 1:
            guard turn.load(tail) != turn[0] else { return turn.isBlocked = true }
            turn[2] = turn[0]
            turn.step = mistake == .commitsFirst ? 4 : 2
        case 2:
            let record = turn.load(slot(turn[2]))
            if record == padding {
                turn[2] += slots - turn[2] % slots
                return
            }
            guard record / 4 == turn[1], record % 4 == length(turn[1]) else {
                return turn.fail("read \(record) where message \(turn[1]) is next")
            }
            turn.step = record % 4 == 2 ? 3 : mistake == .commitsFirst ? 5 : 4
        case 3:
            let value = turn.load(slot(turn[2] + 1))
            guard value == 100 + turn[1] else {
                return turn.fail("message \(turn[1]) holds \(value)")
            }
            turn.step = mistake == .commitsFirst ? 5 : 4
        case 4:
            turn.store(head, start(turn[1]) + length(turn[1]), releasing: true)
            turn.step = mistake == .commitsFirst ? 2 : 5
        default:
            turn[0] = start(turn[1]) + length(turn[1])
            turn[1] += 1
            turn.step = 1
        }
    }
}

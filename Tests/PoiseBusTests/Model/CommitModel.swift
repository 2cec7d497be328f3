/// Heads and state in one step: two records, the word that says which counts, and the heads that
/// the producer sees.
struct CommitModel {
    enum Mistake: CaseIterable {
        case none
        /// The producer sees the heads before the record counts.
        case headsFirst
        /// There is one record only.
        case oneRecord
        /// The record counts before it is written.
        case countsFirst
        /// A consumer that starts does not tell the producer where its record is.
        case noHeadsAtStart
    }

    private static let count = 0, head = 1, records = 2
    private static let messages: UInt8 = 3

    let mistake: Mistake

    var model: Model {
        let mistake = mistake
        return Model(
            name: "commit", words: 6, processes: [{ Self.consume(&$0, mistake) }], kills: [3],
            buffer: 3, storesOvertake: true,
            isOver: { $0.step(of: 0) == Model.ended && $0.bytes[Self.head] == Self.messages })
    }

    private static func record(_ number: UInt8, _ mistake: Mistake) -> Int {
        mistake == .oneRecord ? records : records + 2 * Int(number % 2)
    }

    // Registers: 0 the record that counts, 1 head, 2 state (the sum of what was taken).
    private static func consume(_ turn: inout Turn, _ mistake: Mistake) {
        let next = record(turn[0] + 1, mistake)
        switch turn.step {
        case 0:
            turn[0] = turn.load(count)
            turn.step = 1
        case 1:
            turn[1] = turn.load(record(turn[0], mistake))
            turn.step = 2
        case 2:
            turn[2] = turn.load(record(turn[0], mistake) + 1)
            guard turn[2] == (0..<turn[1]).reduce(0, { $0 + 5 + $1 }) else {
                return turn.fail("head \(turn[1]) has state \(turn[2])")
            }
            guard turn.load(head) <= turn[1] else {
                return turn.fail("the producer may overwrite what comes again")
            }
            turn.step = mistake == .noHeadsAtStart ? 4 : 3
        case 3:
            turn.store(head, turn[1], releasing: true)
            turn.step = 4
        case 4:
            if turn[1] == messages { return turn.step = Model.ended }
            turn[2] += 5 + turn[1]
            turn[1] += 1
            turn.step = mistake == .headsFirst ? 8 : mistake == .countsFirst ? 7 : 5
        case 5:
            turn.store(next, turn[1])
            turn.step = 6
        case 6:
            turn.store(next + 1, turn[2])
            turn.step = mistake == .countsFirst ? 9 : 7
        case 7:
            turn.store(count, turn[0] + 1, releasing: true)
            turn.step = mistake == .countsFirst ? 5 : mistake == .headsFirst ? 10 : 9
        case 8:
            turn.store(head, turn[1], releasing: true)
            turn.step = 5
        case 9:
            turn.store(head, turn[1], releasing: true)
            turn.step = 10
        default:
            turn[0] += 1
            turn.step = 4
        }
    }
}

/// A producer that overwrites the oldest: it raises the floor, then writes; the consumer copies,
/// then looks at the floor, and accuses a producer whose tail and floor do not go together.
struct OverwriteModel {
    enum Mistake: CaseIterable {
        case none
        /// The floor is raised after the record was overwritten.
        case floorLate
        /// The consumer looks at the floor before it copies.
        case looksEarly
        /// Nothing keeps the new record behind the new floor.
        case noFence
        /// The consumer holds a floor against a tail that it looks at later.
        case tailLater
        /// The producer gives up what it has not published yet.
        case hidden
    }

    private static let tail = 0, floor = 1, ring = 2
    private static let slots: UInt8 = 2
    private static let messages: UInt8 = 5

    let mistake: Mistake

    var model: Model {
        let mistake = mistake
        return Model(
            name: "overwrite", words: 6,
            processes: [{ Self.produce(&$0, mistake) }, { Self.consume(&$0, mistake) }],
            kills: [0, 0],
            buffer: 4, storesOvertake: true,
            isOver: { $0.step(of: 0) == Model.ended && $0.step(of: 1) == Model.ended })
    }

    private static func slot(_ number: UInt8) -> Int { ring + 2 * Int(number % slots) }

    // Register 0: the message's number.
    private static func produce(_ turn: inout Turn, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            if turn[0] == messages { return turn.step = Model.ended }
            turn.step = turn[0] < slots || mistake == .floorLate ? 3 : 1
        case 1:
            turn.store(floor, turn[0] - slots + 1)
            turn.step = mistake == .floorLate ? 5 : mistake == .noFence ? 3 : 2
        case 2:
            turn.releaseFence()
            turn.step = 3
        case 3:
            turn.store(slot(turn[0]), 10 + turn[0])
            turn.step = 4
        case 4:
            turn.store(slot(turn[0]) + 1, 10 + turn[0])
            turn.step = mistake == .floorLate && turn[0] >= slots ? 1 : 5
        default:
            turn[0] += 1
            turn.step = 0
            if mistake == .hidden, turn[0] > 1, turn[0] != messages { return }
            turn.store(tail, turn[0], releasing: true)
        }
    }

    // Registers: 0 head, 1 and 2 the copy, 3 the tail, 4 the floor.
    private static func consume(_ turn: inout Turn, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            if turn[0] == messages { return turn.step = Model.ended }
            turn[3] = turn.load(tail)
            if turn[3] <= turn[0] { return turn.isBlocked = true }
            turn.step = mistake == .looksEarly ? 3 : 1
        case 1:
            turn[1] = turn.load(slot(turn[0]))
            turn.step = 2
        case 2:
            turn[2] = turn.load(slot(turn[0]) + 1)
            turn.step = mistake == .looksEarly ? 4 : 3
        case 3:
            turn[4] = turn.load(floor)
            if turn[4] > turn[0] { return turn.step = 5 }
            turn.step = mistake == .looksEarly ? 1 : mistake == .tailLater ? 6 : 4
        case 5:
            guard turn[4] <= turn.load(tail) else {
                return turn.fail("an honest floor of \(turn[4]) is beyond the tail")
            }
            turn[0] = turn[4]
            turn.step = 0
        case 6:
            turn[3] = turn.load(tail)
            turn.step = 4
        default:
            guard turn[3] <= turn[4] + slots else {
                return turn.fail("an honest tail of \(turn[3]) is far beyond \(turn[4])")
            }
            guard turn[1] == 10 + turn[0], turn[2] == turn[1] else {
                return turn.fail("message \(turn[0]) is \(turn[1]), \(turn[2])")
            }
            turn[0] += 1
            turn.step = 0
        }
    }
}

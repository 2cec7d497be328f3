/// A producer that overwrites the oldest: it raises the floor, then writes; the consumer copies,
/// then looks at the floor.
struct OverwriteModel {
    enum Mistake: CaseIterable {
        case none
        /// The floor is raised after the record was overwritten.
        case floorLate
        /// The consumer looks at the floor before it copies.
        case looksEarly
        /// Nothing keeps the new record behind the new floor.
        case noFence
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
            turn.store(tail, turn[0], releasing: true)
            turn.step = 0
        }
    }

    // Registers: 0 head, 1 and 2 the copy.
    private static func consume(_ turn: inout Turn, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            if turn[0] == messages { return turn.step = Model.ended }
            if turn.load(tail) <= turn[0] { return turn.isBlocked = true }
            turn.step = mistake == .looksEarly ? 3 : 1
        case 1:
            turn[1] = turn.load(slot(turn[0]))
            turn.step = 2
        case 2:
            turn[2] = turn.load(slot(turn[0]) + 1)
            turn.step = mistake == .looksEarly ? 4 : 3
        case 3:
            let seen = turn.load(floor)
            if seen > turn[0] {
                turn[0] = seen
                return turn.step = 0
            }
            turn.step = mistake == .looksEarly ? 1 : 4
        default:
            guard turn[1] == 10 + turn[0], turn[2] == turn[1] else {
                return turn.fail("message \(turn[0]) is \(turn[1]), \(turn[2])")
            }
            turn[0] += 1
            turn.step = 0
        }
    }
}

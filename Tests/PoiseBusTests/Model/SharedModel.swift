/// The ring of many producers: claim, help, commit, abandon, and what each producer counts.
///
/// Four granules; a cell holds lap (2 bits), length (2), owner (2) and state (2), the tail word
/// position (4), length (2) and owner (2). Stores are seen at once: what orders them here are
/// exchanges, which are full barriers.
struct SharedModel {
    enum Mistake: CaseIterable {
        case none
        /// The newest claim's length is forgotten with the tail word.
        case noHelp
        /// The cell says committed before the message is whole.
        case commitsFirst
        /// A producer that died between its commit and its count begins with its old count.
        case noIntent
        /// The one who gives up what a dead producer claimed does so before he counts its commits.
        case abandonsFirst
        /// Nobody gives up what a dead producer claimed.
        case neverAbandons
    }

    private static let slots: UInt8 = 4
    private static let head = 0, tail = 1, cells = 2, data = 6, intents = 10, counts = 13
    private static let expected = 16
    private static let none: UInt8 = 0, claimed: UInt8 = 1, committed: UInt8 = 2
    private static let abandoned: UInt8 = 3

    let mistake: Mistake
    /// How many messages each producer sends.
    let messages: [UInt8]
    /// How often each may be killed.
    let kills: [Int]
    /// What is there first.
    var initial: [Int: UInt8] = [:]

    /// Producer 0 died with its first message claimed and about to be committed; producer 1 has
    /// sent two behind it, so that the ring is full.
    static let fullBehindADeadClaim: [Int: UInt8] = [
        tail: 4 << 4 | 1 << 2 | 1, cells: word(0, 1, 0, claimed),
        cells + 1: word(1, 2, 1, committed),
        cells + 3: word(3, 1, 1, committed), data: 0x80, data + 1: 0x90, data + 2: 0x90,
        data + 3: 0x91, intents: 0x80, counts + 1: 2,
    ]

    var model: Model {
        let (mistake, messages) = (mistake, messages)
        var processes: [(inout Turn) -> Void] = messages.indices.map { owner in
            { SharedModel.produce(&$0, UInt8(owner), messages[owner], mistake) }
        }
        processes.append { SharedModel.consume(&$0, messages) }
        return Model(
            name: "shared", words: 19, initial: initial, processes: processes, kills: kills + [0],
            isOver: { shared in
                messages.indices.allSatisfy {
                    shared.step(of: $0) == Model.ended
                        && shared.bytes[Self.expected + $0] == messages[$0]
                }
            })
    }

    private static func cell(_ position: UInt8) -> Int { cells + Int(position % slots) }
    private static func word(
        _ position: UInt8, _ length: UInt8, _ owner: UInt8, _ state: UInt8
    ) -> UInt8 {
        (position / slots % 4) << 6 | length << 4 | owner << 2 | state
    }
    private static func isAt(_ cell: UInt8, _ position: UInt8) -> Bool {
        cell & 3 != none && cell >> 6 == position / slots % 4
    }
    private static func length(_ owner: UInt8, _ number: UInt8) -> UInt8 {
        1 + (owner + number) % 2
    }

    // Registers: 0 number, 1 head, 2 tail word, 3 position, 4 length, 5 a cell as it was,
    // 7 the intent, 8 whether this is padding.
    private static func produce(
        _ turn: inout Turn, _ owner: UInt8, _ messages: UInt8, _ mistake: Mistake
    ) {
        switch turn.step {
        case 0...9: recover(&turn, owner, mistake)
        case 10:
            guard turn[0] < messages else { return turn.step = Model.ended }
            turn[1] = turn.load(head)
            turn.step = 11
        case 11...15: claim(&turn, owner, mistake)
        default: send(&turn, owner, mistake)
        }
    }

    private static func recover(_ turn: inout Turn, _ owner: UInt8, _ mistake: Mistake) {
        switch turn.step {
        case 0:
            turn[2] = turn.load(tail)
            let next: UInt8 = mistake == .abandonsFirst ? 7 : 4
            turn.step = mistake == .neverAbandons ? 4 : help(&turn, then: next, 1)
        case 1:
            _ = turn.exchange(cell(turn[3]), turn[5], helped(turn))
            turn.step = mistake == .abandonsFirst ? 7 : 4
        case 4:
            turn[0] = turn.load(counts + Int(owner))
            turn.step = mistake == .noIntent ? 7 : 5
        case 5:
            turn[7] = turn.load(intents + Int(owner))
            // Bit 7: there is one; then its number (3 bits) and its position (4).
            let isOurs = turn[7] & 0x80 != 0 && turn[7] >> 4 & 7 == turn[0]
            turn.step = isOurs ? 6 : afterCount(mistake)
        case 6:
            let seen = turn.load(cell(turn[7] & 15))
            turn.step = isAt(seen, turn[7] & 15) && seen & 3 != committed ? 8 : 9
        case 8:
            turn.store(intents + Int(owner), 0)
            turn.step = afterCount(mistake)
        case 9:
            turn[0] += 1
            turn.store(counts + Int(owner), turn[0])
            turn.step = afterCount(mistake)
        default:
            // Each cell that it claimed and did not commit. The looks at the others are no steps:
            // nothing that happens to them matters.
            let mine = (0..<Int(slots)).first {
                let seen = turn.load(cells + $0)
                return seen & 3 == claimed && seen >> 2 & 3 == owner
            }
            guard mistake != .neverAbandons, let mine else {
                return turn.step = mistake == .abandonsFirst ? 4 : 10
            }
            let seen = turn.load(cells + mine)
            _ = turn.exchange(cells + mine, seen, seen | abandoned)
        }
    }

    private static func afterCount(_ mistake: Mistake) -> UInt8 {
        mistake == .abandonsFirst ? 10 : 7
    }

    /// Looks whether the newest claim stands in its cell: the step after it, or the one that puts
    /// it there.
    private static func help(_ turn: inout Turn, then next: UInt8, _ put: UInt8) -> UInt8 {
        let (end, length) = (turn[2] >> 4, turn[2] >> 2 & 3)
        guard length > 0 else { return next }
        turn[3] = (end &- length) & 15
        turn[5] = turn.load(cell(turn[3]))
        let lapsAhead = (turn[5] >> 6 &- turn[3] / slots) & 3
        if turn[5] & 3 != none, lapsAhead < 2 { return next }
        return put
    }

    private static func helped(_ turn: Turn) -> UInt8 {
        word(turn[3], turn[2] >> 2 & 3, turn[2] & 3, claimed)
    }

    private static func claim(_ turn: inout Turn, _ owner: UInt8, _ mistake: Mistake) {
        switch turn.step {
        case 11:
            turn[2] = turn.load(tail)
            let position = turn[2] >> 4
            let toEnd = slots - position % slots
            let wanted = length(owner, turn[0])
            let used = (position &- turn[1]) & 15
            let need = wanted > toEnd ? toEnd + wanted : wanted
            guard used <= slots, used + need <= slots else { return turn.step = 10 }
            turn[8] = wanted > toEnd ? 1 : 0
            turn[4] = min(wanted, toEnd)
            turn.step = mistake == .noHelp ? 14 : 12
        case 12: turn.step = help(&turn, then: 14, 13)
        case 13:
            _ = turn.exchange(cell(turn[3]), turn[5], helped(turn))
            turn.step = 14
        default:
            turn[3] = turn[2] >> 4
            let next = ((turn[3] + turn[4]) & 15) << 4 | turn[4] << 2 | owner
            let isOurs = turn.exchange(tail, turn[2], next)
            turn.step = !isOurs ? 10 : turn[8] == 1 ? 20 : mistake == .commitsFirst ? 18 : 16
        }
    }

    private static func send(_ turn: inout Turn, _ owner: UInt8, _ mistake: Mistake) {
        let value = 0x80 | owner << 4 | turn[0]
        switch turn.step {
        case 16:
            turn.store(data + Int(turn[3] % slots), value)
            turn.step = turn[4] == 2 ? 17 : mistake == .commitsFirst ? 22 : 18
        case 17:
            turn.store(data + Int(turn[3] % slots) + 1, value)
            turn.step = mistake == .commitsFirst ? 22 : 18
        case 18:
            turn.store(intents + Int(owner), 0x80 | turn[0] << 4 | turn[3])
            turn.step = 20
        case 20:
            turn[5] = turn.load(cell(turn[3]))
            if isAt(turn[5], turn[3]), turn[5] & 3 != claimed {
                return turn.fail("it was given up while it lived")
            }
            turn.step = 21
        case 21:
            let state = turn[8] == 1 ? abandoned : committed
            let isDone = turn.exchange(
                cell(turn[3]), turn[5], word(turn[3], turn[4], owner, state))
            turn.step = !isDone ? 20 : turn[8] == 1 ? 10 : mistake == .commitsFirst ? 16 : 22
        default:
            turn[0] += 1
            turn.store(counts + Int(owner), turn[0])
            turn.step = 10
        }
    }

    // Registers: 0 head, 1 the cell there.
    private static func consume(_ turn: inout Turn, _ messages: [UInt8]) {
        switch turn.step {
        case 0:
            turn[1] = turn.load(cell(turn[0]))
            guard isAt(turn[1], turn[0]), turn[1] & 3 != claimed else {
                return turn.isBlocked = true
            }
            turn.step = turn[1] & 3 == committed ? 1 : 3
        case 1, 2:
            let owner = turn[1] >> 2 & 3
            let number = turn.load(expected + Int(owner))
            let seen = turn.load(data + Int((turn[0] + turn.step - 1) % slots))
            guard seen == 0x80 | owner << 4 | number else {
                return turn.fail("read \(seen) where message \(number) of \(owner) is next")
            }
            turn.step = turn.step == 1 && turn[1] >> 4 & 3 == 2 ? 2 : 3
        default:
            let owner = Int(turn[1] >> 2 & 3)
            if turn[1] & 3 == committed { turn.shared.bytes[expected + owner] += 1 }
            turn[0] = (turn[0] + (turn[1] >> 4 & 3)) & 15
            turn.store(head, turn[0])
            turn.step = 0
        }
    }
}

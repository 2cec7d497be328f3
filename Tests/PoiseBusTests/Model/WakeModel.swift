/// Going to sleep and waking, without time: who is not woken sleeps for ever.
struct WakeModel {
    enum Mistake: CaseIterable {
        case none
        /// The sleeper does not look once more after it said that it sleeps.
        case noRecheck
        /// Nobody makes a barrier between the producer's store and its look.
        case noBarrier
        /// The bell is read after the last look.
        case bellReadLate
        /// The producer rings once and never again.
        case ringsOnce
        /// A producer that starts does not ring for what the dead one had published.
        case noRingAtStart
        /// A dead ringer has said that it rang before it did, where all can see it.
        case saysFirst
    }

    enum Barrier: CaseIterable {
        /// The producer has no fence; the sleeper has one made (`membarrier(2)`).
        case remote
        /// Each side has its own.
        case own
    }

    private static let tail = 0, parked = 1, bell = 2, rung = 3
    private static let messages: UInt8 = 3

    let mistake: Mistake
    let barrier: Barrier

    var model: Model {
        let (mistake, barrier) = (mistake, barrier)
        return Model(
            name: "wake", words: 4,
            processes: [
                { Self.produce(&$0, mistake, barrier) }, { Self.consume(&$0, mistake, barrier) },
            ],
            kills: [1, 0], buffer: 2, storesOvertake: true,
            isOver: { $0.step(of: 0) == Model.ended && $0.step(of: 1) == Model.ended })
    }

    // Registers: 0 messages, 1 the sleep that was rung for, 2 the sleep that is rung for now.
    private static func produce(_ turn: inout Turn, _ mistake: Mistake, _ barrier: Barrier) {
        switch turn.step {
        case 0:
            turn[0] = turn.load(tail)
            turn.step = mistake == .noRingAtStart ? 1 : 2
        case 1:
            if turn[0] == messages { return turn.step = Model.ended }
            turn[0] += 1
            turn.store(tail, turn[0], releasing: true)
            turn.step = 2
        case 2:
            if barrier == .own { turn.fence() }
            turn.step = 3
        case 3:
            let epoch = turn.load(parked)
            let isRung = mistake == .ringsOnce ? turn[1] != 0 : epoch == turn[1]
            turn[2] = epoch
            turn.step = epoch % 2 == 1 && !isRung ? (mistake == .saysFirst ? 7 : 4) : 1
        case 4:
            turn[1] = turn[2]
            turn.add(bell, 1)
            turn.step = 5
        case 5:
            turn.wake(bell)
            turn.step = 1
        case 7:
            if turn.load(rung) == turn[2] { return turn.step = 1 }
            turn.step = 8
        default:
            turn.store(rung, turn[2])
            turn.step = 4
        }
    }

    // Registers: 0 taken, 1 the bell as it was, 2 the sleep's number.
    private static func consume(_ turn: inout Turn, _ mistake: Mistake, _ barrier: Barrier) {
        switch turn.step {
        case 0:
            if turn[0] == messages { return turn.step = Model.ended }
            let seen = turn.load(tail)
            turn.step = seen > turn[0] ? 0 : 1
            turn[0] = seen
        case 1:
            turn[1] = turn.load(bell)
            turn.step = 2
        case 2:
            turn[2] += 1
            turn.store(parked, turn[2], releasing: true)
            turn.step = 3
        case 3:
            turn.fence()
            turn.step = barrier == .remote && mistake != .noBarrier ? 4 : 5
        case 4:
            turn.barrier(on: 0)
            turn.step = 5
        case 5:
            let isNew = mistake != .noRecheck && turn.load(tail) > turn[0]
            turn.step = isNew ? 8 : mistake == .bellReadLate ? 6 : 7
        case 6:
            turn[1] = turn.load(bell)
            turn.step = 7
        case 7:
            turn.sleep(on: bell, turn[1])
            turn.step = 8
        default:
            turn[2] += 1
            turn.store(parked, turn[2], releasing: true)
            turn.step = 0
        }
    }
}

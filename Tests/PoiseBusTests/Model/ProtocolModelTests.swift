import Glibc
import Testing

/// The protocols of the bus, in all orders of their steps: the right ones hold, and each seeded
/// mistake is found.
@Suite struct ProtocolModelTests {
    @Test(arguments: RingModel.Mistake.allCases)
    func `the ring of one producer: nothing is lost or torn, whoever is killed`(
        mistake: RingModel.Mistake
    ) {
        let found = Explorer.explore(RingModel(mistake: mistake).model)
        check(found, mistake == .none, "ring, \(mistake)")
    }

    @Test(arguments: WakeModel.Mistake.allCases, WakeModel.Barrier.allCases)
    func `nobody sleeps while there is something to read`(
        mistake: WakeModel.Mistake, barrier: WakeModel.Barrier
    ) {
        // The producer's own fence needs nobody else's barrier.
        let isRight = mistake == .none || (mistake == .noBarrier && barrier == .own)
        let found = Explorer.explore(WakeModel(mistake: mistake, barrier: barrier).model)
        check(found, isRight, "wake, \(mistake), \(barrier)")
    }

    @Test(arguments: OverwriteModel.Mistake.allCases)
    func `who overwrites the oldest hands out nothing torn`(mistake: OverwriteModel.Mistake) {
        let found = Explorer.explore(OverwriteModel(mistake: mistake).model)
        check(found, mistake == .none, "overwrite, \(mistake)")
    }

    @Test(arguments: CommitModel.Mistake.allCases)
    func `heads and state belong together, wherever the consumer is killed`(
        mistake: CommitModel.Mistake
    ) {
        let found = Explorer.explore(CommitModel(mistake: mistake).model)
        check(found, mistake == .none, "commit, \(mistake)")
    }

    /// Messages of each producer, and how often each is killed.
    private static let small: [([UInt8], [Int])] = [([1, 1], [1, 0])]
    private static let large: [([UInt8], [Int])] = [
        ([1, 2], [1, 0]), ([1, 1], [1, 1]), ([2, 2], [1, 0]), ([1, 1, 1], [1, 0, 0]),
        ([1, 3], [2, 0]),
    ]

    @Test(arguments: getenv("POISE_THOROUGH") == nil ? small : small + large)
    func `the ring of many: nothing is lost, doubled or stuck, wherever a producer is killed`(
        messages: [UInt8], kills: [Int]
    ) {
        let model = SharedModel(mistake: .none, messages: messages, kills: kills)
        let found = Explorer.explore(model.model, most: 20_000_000)
        check(found, true, "shared, \(messages), killed \(kills)")
    }

    @Test(arguments: [SharedModel.Mistake.none, .abandonsFirst])
    func `the ring of many: a lap may go over what was given up`(mistake: SharedModel.Mistake) {
        let model = SharedModel(
            mistake: mistake, messages: [1, 3], kills: [1, 0],
            initial: SharedModel.fullBehindADeadClaim)
        check(Explorer.explore(model.model), mistake == .none, "shared, full, \(mistake)")
    }

    @Test(arguments: SharedModel.Mistake.allCases.filter { $0 != .none && $0 != .abandonsFirst })
    func `the ring of many: each mistake is found`(mistake: SharedModel.Mistake) {
        let model = SharedModel(mistake: mistake, messages: [1, 1], kills: [1, 0])
        check(Explorer.explore(model.model), false, "shared, \(mistake)")
    }

    private func check(_ found: Explorer.Finding, _ isRight: Bool, _ what: String) {
        print("model: \(what): \(found.states) states, \(found.failure ?? "right")")
        fflush(nil)
        if isRight {
            #expect(found.failure == nil)
        } else {
            #expect(found.failure != nil, "the model finds no mistake: \(what)")
            #expect(found.failure?.contains("too large") != true)
        }
    }
}

import PoiseEngine
import PoiseModel

/// What came in since the last turn, in the order in which a turn takes it.
///
/// The order is by kind and not by arrival, so that the same events give the same decisions:
/// signals, ends, what hosts said, what callers asked, policies, machines, looks at the load. A
/// need is kept once for each feature and class, and a look once for each feature, the newest;
/// everything else is bounded by the number of features or by the callers being answered one at a
/// time.
struct Inbox {
    private var shutdown = false
    private var ends: [Input] = []
    private var news: [Input] = []
    private var requests: [Input] = []
    private var policy: Input?
    private var machine: Input?
    private var load: LoadTurn?

    var isEmpty: Bool {
        !shutdown && ends.isEmpty && news.isEmpty && requests.isEmpty && policy == nil
            && machine == nil && load == nil
    }

    mutating func post(_ input: Input) {
        switch input {
        case .shutdown: shutdown = true
        case .policy: policy = input
        case .machine: machine = input
        case .load(var turn):
            if let before = load {
                turn.features.merge(before.features) { new, _ in new }
                turn.machine = turn.machine ?? before.machine
            }
            load = turn
        case .ended, .spawnFailed, .found, .refused: ends.append(input)
        case .operatorStart, .operatorStop, .operatorRestart, .operatorEnable, .breaker, .level,
            .rollout:
            requests.append(input)
        case .need(let feature, let coreClass, _, _):
            news.removeAll {
                if case .need(feature, coreClass, _, _) = $0 { true } else { false }
            }
            news.append(input)
        case .started, .applied, .reportedFailure, .failed, .health, .checked: news.append(input)
        }
    }

    /// Gives everything and is empty after.
    mutating func take() -> [Input] {
        let all =
            (shutdown ? [.shutdown] : []) + ends + news + requests
            + [policy, machine, load.map(Input.load)].compactMap(\.self)
        self = Inbox()
        return all
    }
}

import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct BreakerTests {
    private static let policy = BreakerPolicy(
        failures: 3, within: .seconds(10), open: .seconds(2), openMax: .seconds(60), probes: 2)
    private static let crash = Breaker.Event.failed(.crash, because: "signal 11")
    private static let intrusion = Breaker.Event.failed(.security, because: "a forbidden call")

    private static func at(_ seconds: Int) -> Instant {
        Instant(nanoseconds: seconds * 1_000_000_000)
    }

    private static func rules(mayOpen: Bool = true, seed: UInt64 = 7) -> Breaker.Rules {
        Breaker.Rules(policy: policy, mayOpen: mayOpen, seed: seed)
    }

    /// Leads to each state.
    private static let roads: [(String, [Breaker.Event])] = [
        ("closed", []),
        ("open", [crash, crash, crash]),
        ("halfOpen", [crash, crash, crash, .due]),
        ("byHand", [.hold]),
        ("quarantine", [intrusion, intrusion, intrusion]),
    ]

    private static func name(_ breaker: Breaker) -> String {
        switch breaker.state {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "halfOpen"
        case .held(let hold): hold.rawValue
        }
    }

    private static func breaker(_ road: [Breaker.Event]) -> Breaker {
        var breaker = Breaker()
        for event in road { _ = breaker.handle(event, rules(), now: at(0)) }
        return breaker
    }

    /// The state after each event, by the state before it.
    private static let table: [String: [String]] = [
        // crash, intrusion, passed, due, reset, hold
        "closed": ["closed", "closed", "closed", "closed", "closed", "byHand"],
        "open": ["open", "open", "open", "halfOpen", "closed", "byHand"],
        "halfOpen": ["open", "quarantine", "halfOpen", "halfOpen", "closed", "byHand"],
        "byHand": ["byHand", "byHand", "byHand", "byHand", "closed", "byHand"],
        "quarantine": [
            "quarantine", "quarantine", "quarantine", "quarantine", "closed", "byHand",
        ],
    ]

    @Test func `every pair of state and event is decided`() throws {
        let events: [Breaker.Event] = [Self.crash, Self.intrusion, .passed, .due, .reset, .hold]
        for (state, road) in Self.roads {
            let expected = try #require(Self.table[state])
            for (event, after) in zip(events, expected) {
                var breaker = Self.breaker(road)
                #expect(Self.name(breaker) == state)
                _ = breaker.handle(event, Self.rules(), now: Self.at(1))
                #expect(Self.name(breaker) == after, "\(state) on \(event)")
            }
        }
    }

    @Test func `failures count only within the window`() {
        var breaker = Breaker()
        for second in [0, 6, 12, 18, 24, 30] {
            let change = breaker.handle(Self.crash, Self.rules(), now: Self.at(second))
            #expect(change == .counted(second == 0 ? 1 : 2))
        }
        #expect(breaker.handle(Self.crash, Self.rules(), now: Self.at(31)) != .counted(3))
        #expect(breaker.isOpen)
    }

    @Test(arguments: [1, 2, 3, 99] as [UInt64])
    func `pauses double to the longest, each moved by a tenth at most`(seed: UInt64) {
        var breaker = Self.breaker([])
        var now = Self.at(0)
        for _ in 0..<3 { _ = breaker.handle(Self.crash, Self.rules(seed: seed), now: now) }
        var pauses: [Double] = []
        for _ in 0..<12 {
            guard let until = breaker.opensAgainAt else { break }
            pauses.append((until - now).inSeconds)
            now = until
            _ = breaker.handle(.due, Self.rules(seed: seed), now: now)
            _ = breaker.handle(Self.crash, Self.rules(seed: seed), now: now)
        }
        #expect(pauses.count == 12)
        for (index, pause) in pauses.enumerated() {
            let exact = min(60, 2 * Double(1 << min(index, 6)))
            #expect(pause >= exact * 0.9 - 0.001 && pause <= min(60, exact * 1.1) + 0.001)
        }
    }

    @Test func `good probes in a row close it, and being well for long forgets its trips`() {
        var breaker = Self.breaker([Self.crash, Self.crash, Self.crash, .due])
        #expect(breaker.isOnTrial)
        #expect(breaker.handle(.passed, Self.rules(), now: Self.at(3)) == .nothing)
        #expect(breaker.handle(.passed, Self.rules(), now: Self.at(4)) == .closed)
        #expect(breaker.trips == 1)
        for second in [5, 6] {
            _ = breaker.handle(Self.crash, Self.rules(), now: Self.at(second))
        }
        guard case .opened(let soon) = breaker.handle(Self.crash, Self.rules(), now: Self.at(7))
        else {
            Issue.record("did not open again")
            return
        }
        #expect(soon > .seconds(3), "soon after it was closed the pause goes on growing")
        _ = breaker.handle(.due, Self.rules(), now: Self.at(20))
        for second in [21, 22] {
            _ = breaker.handle(.passed, Self.rules(), now: Self.at(second))
        }
        for second in [200, 201] {
            _ = breaker.handle(Self.crash, Self.rules(), now: Self.at(second))
        }
        guard case .opened(let late) = breaker.handle(Self.crash, Self.rules(), now: Self.at(202))
        else {
            Issue.record("did not open after it was well")
            return
        }
        #expect(late < .seconds(3))
    }

    @Test func `observing runs through the same states, counts the same and enforces nothing`() {
        var watching = Self.policy
        watching.mode = .observe
        var random = SplitMix64(seed: 4)
        var (one, two) = (Breaker(), Breaker())
        var now = Self.at(0)
        for _ in 0..<5000 {
            now = now + .milliseconds(Int64(random.next() % 3000))
            let event: Breaker.Event =
                switch random.next() % 5 {
                case 0, 1: Self.crash
                case 2: .passed
                case 3: .due
                default: .failed(.latency, because: "slow")
                }
            let first = one.handle(event, Self.rules(), now: now)
            let second = two.handle(
                event, Breaker.Rules(policy: watching, seed: 7), now: now)
            #expect(first == second)
            #expect(one.state == two.state)
            #expect(!two.isOpen && !two.isOnTrial)
        }
        #expect(one.detected == two.detected && one.detected > 100)
        #expect(one.enforced == one.detected && two.enforced == 0)
    }

    @Test func `what finds too many open already is counted and not enforced`() {
        var breaker = Breaker()
        for _ in 0..<3 { _ = breaker.handle(Self.crash, Self.rules(mayOpen: false), now: .zero) }
        #expect(!breaker.isOpen)
        #expect(breaker.detected == 1 && breaker.enforced == 0 && breaker.overflows == 1)
    }

    @Test func `in another boot it stays what it was, by the new clock`() {
        let rules = Self.rules()
        for (state, road) in Self.roads {
            let after = Self.breaker(road).afterBoot(rules, now: Self.at(1_000_000))
            #expect(Self.name(after) == state)
            if let until = after.opensAgainAt {
                #expect(until > Self.at(1_000_000) && until <= Self.at(1_000_060))
            }
        }
    }

    @Test func `a failure has an origin, and only what can never work is permanent`() {
        #expect(FailureKind.allCases.filter(\.isPermanent) == [.configuration])
        #expect(FailureKind.security.origin == .security)
        #expect(FailureKind.startFailure.origin == .environment)
        #expect(FailureKind.host.origin == .host)
        #expect(BackOff.pause(failures: 1) == .milliseconds(200))
        #expect(BackOff.pause(failures: 1, origin: .environment) == .seconds(1))
        #expect(BackOff.pause(failures: 99, origin: .host) == .seconds(30))
    }
}

extension Instant {
    fileprivate static let zero = Instant(nanoseconds: 0)
}

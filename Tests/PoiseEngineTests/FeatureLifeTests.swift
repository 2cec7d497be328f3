import PoiseEngine
import PoiseModel
import Testing

@Suite struct FeatureLifeTests {
    private typealias Life = FeatureLife

    /// Leads to each state, so that every pair of state and event can be tried.
    private static let roads: [(Life.State, [Life.Event])] = [
        (.stopped, []),
        (.waiting, [.wanted]),
        (.starting, [.wanted, .placed]),
        (.running, [.wanted, .placed, .started]),
        (.stopping(.rest), [.wanted, .placed, .started, .unwanted]),
        (.stopping(.startAgain), [.wanted, .placed, .started, .restart]),
        (.stopping(.failure), [.wanted, .placed, .started, .overdue]),
        (.backingOff, [.wanted, .placed, .started, .ended(.failure)]),
        (.failed, [.wanted, .placed, .ended(.refused)]),
    ]

    private static let events: [Life.Event] = [
        .wanted, .unwanted, .restart, .placed, .displaced, .started, .ended(.done),
        .ended(.failure), .ended(.refused), .overdue,
    ]

    private func life(_ road: [Life.Event]) -> Life {
        var life = Life(restart: .permanent)
        for event in road { _ = life.handle(event) }
        return life
    }

    @Test func everyRoadLeadsToItsState() {
        for (state, road) in Self.roads { #expect(life(road).state == state) }
    }

    @Test func aProcessIsOnlyStartedWhereThereIsNone() {
        for (state, road) in Self.roads {
            for event in Self.events {
                var life = life(road)
                let had = life.hasProcess
                let action = life.handle(event)
                if action == .start { #expect(!had && life.hasProcess, "\(state) \(event)") }
                if action == .askToStop || action == .kill {
                    #expect(had && life.hasProcess, "\(state) \(event)")
                }
                let ended =
                    event != .ended(.done) && event != .ended(.failure)
                    && event != .ended(.refused)
                if had, ended { #expect(life.hasProcess, "\(state) \(event) loses a process") }
            }
        }
    }

    @Test func whatIsUnwantedComesToRestFromEveryState() {
        for (state, road) in Self.roads {
            var life = life(road)
            _ = life.handle(.unwanted)
            _ = life.handle(.ended(.failure))
            _ = life.handle(.overdue)
            #expect(life.state == .stopped, "from \(state)")
            #expect(!life.takesPart)
        }
    }

    @Test func exitCode100IsNeverRetried() {
        var life = life([.wanted, .placed])
        _ = life.handle(.ended(.refused))
        #expect(life.state == .failed)
        #expect(life.handle(.placed) == .nothing)
        #expect(life.handle(.overdue) == .nothing)
        #expect(life.state == .failed)
    }

    @Test(arguments: [
        (FeaturePolicy.Restart.permanent, Life.Ending.done, Life.State.backingOff),
        (.permanent, .failure, .backingOff), (.transient, .done, .stopped),
        (.transient, .failure, .backingOff), (.temporary, .done, .stopped),
        (.temporary, .failure, .failed),
    ])
    private func restartFollowsThePolicy(
        restart: FeaturePolicy.Restart, ending: Life.Ending, expected: Life.State
    ) {
        var life = Life(restart: restart)
        for event in [Life.Event.wanted, .placed, .started, .ended(ending)] {
            _ = life.handle(event)
        }
        #expect(life.state == expected)
    }

    @Test func thePauseDoublesAndIsCapped() {
        let pauses = (1...10).map { BackOff.pause(failures: $0).wholeMilliseconds }
        #expect(pauses == [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000])
        #expect(BackOff.pause(failures: 1_000_000) == .seconds(30))
    }
}

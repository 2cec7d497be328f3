import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct ForecastTests {
    private let setting = ForecastSetting(season: .seconds(600), step: .seconds(10))

    /// Feeds so many seasons of a demand that depends on the second.
    private func feed(
        _ forecast: inout SeasonalForecast, from start: Int = 0, seasons: Int,
        _ demand: (Int) -> Int
    ) {
        for second in start..<(start + seasons * 600) {
            forecast.take(demand(second), wallSeconds: second)
        }
    }

    /// Busy in the third minute of every ten.
    private func busy(_ second: Int) -> Int { (120..<180).contains(second % 600) ? 4000 : 500 }

    @Test func `what comes every season is foretold before it comes`() {
        var forecast = SeasonalForecast(setting)
        feed(&forecast, seasons: 3, busy)
        #expect(forecast.isTrusted)
        feed(&forecast, from: 1800, seasons: 0, busy)
        for second in 1800..<1915 { forecast.take(busy(second), wallSeconds: second) }
        // Ten seconds ahead: the busy minute begins at 1920.
        #expect(forecast.demand == 4000)
        let errors = forecast.errors
        #expect(errors.map { $0.own < $0.plain } == true)
    }

    @Test func `nothing is foretold in the first season`() {
        var forecast = SeasonalForecast(setting)
        for second in 0..<599 {
            forecast.take(busy(second), wallSeconds: second)
            #expect(!forecast.isTrusted)
        }
    }

    @Test(arguments: 1...5)
    func `a demand without seasons is not trusted`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var forecast = SeasonalForecast(setting)
        var walk = 3000
        var trusted = 0
        for second in 0..<12_000 {
            if second % 10 == 0 {
                walk = min(max(walk + .random(in: -300...300, using: &random), 0), 8000)
            }
            forecast.take(walk, wallSeconds: second)
            if second % 10 == 0, forecast.isTrusted { trusted += 1 }
        }
        #expect(trusted < 120, "trusted in \(trusted) of 1200 steps")
    }

    @Test func `it switches itself off when the seasons change, and on again`() {
        var forecast = SeasonalForecast(setting)
        feed(&forecast, seasons: 4, busy)
        #expect(forecast.isTrusted)
        // The rhythm breaks: from now on it is busy now and then, at no time of its own.
        var random = SeededGenerator(seed: 3)
        var level = 500
        feed(&forecast, from: 2400, seasons: 2) { second in
            if second % 60 == 0 { level = Bool.random(using: &random) ? 4000 : 500 }
            return level
        }
        #expect(!forecast.isTrusted)
        feed(&forecast, from: 3600, seasons: 6, busy)
        #expect(forecast.isTrusted)
    }

    @Test(arguments: [-100_000, 5_000_000, 0])
    func `a clock that leaps breaks nothing`(leap: Int) {
        var forecast = SeasonalForecast(setting)
        feed(&forecast, seasons: 3, busy)
        feed(&forecast, from: 1800 + leap, seasons: 3, busy)
        #expect((forecast.demand ?? 0) <= 4000)
        #expect(forecast.errors != nil)
    }

    @Test(arguments: [true, false])
    func `a foretold demand is there before its load, and only when it is foretold`(isOn: Bool) {
        var policy = Policy(
            name: "p", features: [feature("web", performance: cores(1, 1, 6))],
            rebalance: Rebalance(shrinkAfter: .seconds(1)))
        policy.rebalance.forecast = isOn ? setting : nil
        let web = policy.features[0].id
        var engine = Supervisor(
            machine: machine([CoreGroup(8)]), policy: policy, now: Instant(nanoseconds: 0))
        var inputs: [Input] = []
        for second in 0..<2520 {
            let now = Instant(nanoseconds: 0) + .seconds(second)
            var reading = LoadReading(microseconds: 1_000_000)
            let has = (engine.plan[web]?.exclusive.count ?? 0) * 1000
            reading.usedMillicores = min(has, busy(second))
            reading.waitingMillicores = max(0, busy(second) - has)
            inputs.append(.load(LoadTurn(wallSeconds: second, features: [web: reading])))
            let directives = engine.handle(inputs, now: now)
            inputs = directives.flatMap { directive -> [Input] in
                switch directive {
                case .start: [.started(web)]
                case .tell(_, _, let generation): [.applied(web, generation: generation)]
                case .enforce(let changes):
                    changes.map { .applied(web, generation: $0.generation) }
                default: []
                }
            }
        }
        // The load of the fifth season comes at 2520.
        let has = engine.plan[web]?.exclusive.count ?? 0
        #expect(isOn ? has >= 4 : has == 1)
    }
}

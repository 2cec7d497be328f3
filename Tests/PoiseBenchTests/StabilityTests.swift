import PoiseBench
import Testing

/// The stability benchmark's rules: all in simulated time and by seeds.
@Suite struct StabilityTests {
    @Test func noiseResizesNothing() {
        let poise = StabilityBench.run(.poise, .noise)
        #expect(poise.resizes == 0)
        #expect(poise.unserved == 0)
    }

    @Test(arguments: StabilityTrace.allCases)
    func nobodyEverHasLessThanItsMinimum(trace: StabilityTrace) {
        #expect(StabilityBench.run(.poise, trace).minimumBreaches == 0)
    }

    @Test func aStepIsFollowedInTwoDecisions() throws {
        let poise = StabilityBench.run(.poise, .step)
        #expect(try #require(poise.settlingDecisions) <= 2)
        #expect(poise.overshoots == 0)
        #expect(poise.unserved < 0.002)
    }

    @Test(arguments: [StabilityTrace.step, .squareWave])
    func aJumpLeavesLessUnservedThanUnderAnyPort(trace: StabilityTrace) {
        let poise = StabilityBench.run(.poise, trace)
        for rule in StabilityBench.Rule.allCases where rule != .poise {
            #expect(poise.unserved < StabilityBench.run(rule, trace).unserved, "\(rule)")
        }
    }

    @Test(arguments: [StabilityTrace.step, .squareWave])
    func aJumpTakesFewerDecisionsThanHalving(trace: StabilityTrace) throws {
        let poise = try #require(StabilityBench.run(.poise, trace).settlingDecisions)
        let halving = try #require(StabilityBench.run(.halving, trace).settlingDecisions)
        #expect(poise < halving)
    }

    @Test func aLiarIsNotBelievedForLong() {
        let poise = StabilityBench.run(.poise, .liar)
        #expect(poise.resizes <= 2)
        #expect(poise.unserved == 0)
        // Twelve cores were asked for; what nobody used is far less.
        #expect(poise.spareCores < 6)
    }

    @Test(arguments: StabilityBench.Rule.allCases)
    func aRunIsTheSameEveryTime(rule: StabilityBench.Rule) {
        #expect(StabilityBench.run(rule, .bursts) == StabilityBench.run(rule, .bursts))
    }

    @Test func fixedSharesAreNeverResized() {
        for trace in StabilityTrace.allCases {
            #expect(StabilityBench.run(.fixed, trace).resizes == 0)
        }
    }
}

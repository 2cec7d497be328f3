import PoiseBench
import Testing

@Suite struct SolverTests {
    @Test func theExponentOfAPowerIsFound() {
        let sizes = [2.0, 4, 8, 16, 32, 64]
        let square = Growth(sizes.map { (size: $0, cost: 7 * $0 * $0) })
        #expect(abs(square.exponent - 2) < 1e-6)
        let constant = Growth(sizes.map { (size: $0, cost: 3) })
        #expect(abs(constant.exponent) < 1e-6)
        let root = Growth(sizes.map { (size: $0, cost: $0.squareRoot()) })
        #expect(abs(root.exponent - 0.5) < 1e-6)
    }

    @Test func everyDecisionIsTimedThreeTimesAndItsMiddleCounts() {
        var bench = SolverBench(.cpus256)
        var clock = 0
        // Steps of 1, 2, 3 and so on: of three pairs the middle one counts.
        let costs = bench.run(count: 4) {
            clock += 1
            return clock * clock
        }
        // The readings of one decision are 6k+1 … 6k+6; the middle pair is 3 and 4.
        let expected = (0..<4).map { (6 * $0 + 4) * (6 * $0 + 4) - (6 * $0 + 3) * (6 * $0 + 3) }
        #expect(costs == expected)
    }
}

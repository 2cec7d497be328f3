import PoiseModel
import Testing

@testable import PoiseBench

@Suite struct ExactPlacementTests {
    private func least(
        _ sizes: [Int], nodes: Int, caches: Int, cores: Int
    ) -> Int {
        var wanted = PerClass<[Int]>(repeating: [])
        wanted.performance = sizes
        let machine = ChurnMachine.uniform(
            nodes: nodes, cachesPerNode: caches, coresPerCache: cores, threads: 2)
        return ExactPlacement.leastSpan(wanted, on: machine)
    }

    @Test func whatFitsNeedsOneCacheAndOneNodeEach() {
        #expect(least([4, 4], nodes: 2, caches: 1, cores: 4) == 4)
        #expect(least([1, 2, 3, 4], nodes: 4, caches: 1, cores: 4) == 8)
    }

    @Test func whatMustBeDividedIsDividedOnce() {
        // Two of three, and one in two places.
        #expect(least([3, 3, 2], nodes: 2, caches: 1, cores: 4) == 8)
        #expect(least([8], nodes: 2, caches: 1, cores: 4) == 4)
        #expect(least([8], nodes: 1, caches: 2, cores: 4) == 3)
        // Best is two whole caches, not the largest first and the rest where it fits.
        #expect(least([5, 3, 4, 4], nodes: 2, caches: 2, cores: 4) == 9)
    }

    @Test func poiseIsNeverBetterAndNearlyAlwaysAsGood() {
        for seed in 1...3 {
            let comparison = ExactComparison(cases: 60, seed: UInt64(seed))
            #expect(comparison.cases == 60)
            #expect(comparison.poiseSpan >= comparison.leastSpan)
            #expect(comparison.share >= 0.95)
        }
    }
}

import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseEngine

@Suite struct WaterFillTests {
    private func claim(
        held: Int = 0, limit: Int, weight: Int = 100, step: Int = 1
    ) -> WaterFill.Claim {
        WaterFill.Claim(held: held, limit: limit, weight: weight, step: step)
    }

    @Test func whoeverHasRoomIsFilledWhenThereIsEnough() {
        var claims = [claim(limit: 700), claim(held: 100, limit: 400)]
        #expect(WaterFill.fill(&claims, supply: 5000) == 4000)
        #expect(claims.map(\.held) == [700, 400])
    }

    @Test func equalWeightsRiseToOneLevel() {
        var claims = [claim(held: 400, limit: 5000), claim(limit: 5000), claim(limit: 100)]
        #expect(WaterFill.fill(&claims, supply: 1000) == 0)
        // 100 is all the third takes; 900 + 400 divided by two is the level of the others.
        #expect(claims.map(\.held) == [650, 650, 100])
    }

    @Test func weightsDivideInProportion() {
        var claims = [claim(limit: 9000, weight: 300), claim(limit: 9000, weight: 100)]
        #expect(WaterFill.fill(&claims, supply: 4000) == 0)
        #expect(claims.map(\.held) == [3000, 1000])
    }

    @Test func theRemainderGoesToTheLowestLevelAfterTheAward() {
        var claims = [claim(limit: 10), claim(limit: 10), claim(limit: 10)]
        #expect(WaterFill.fill(&claims, supply: 8) == 0)
        #expect(claims.map(\.held) == [3, 3, 2])
    }

    @Test func wholeStepsComeFirstAndOnlyTheLastIsPart() {
        var claims = [claim(limit: 3000, step: 1000), claim(limit: 3000, step: 1000)]
        #expect(WaterFill.fill(&claims, supply: 3500) == 0)
        #expect(claims.map(\.held) == [2000, 1500])
    }

    /// The property that the Alabama paradox breaks.
    @Test(arguments: Array(UInt64(0)..<40)) func aSmallerSupplyCostsNobodyMoreThanTheDifference(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let claims = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                let held = Int.random(in: 0...3, using: &random) * 500
                return claim(
                    held: held, limit: held + Int.random(in: 0...8, using: &random) * 500,
                    weight: [1, 50, 100, 333, 10_000].randomElement(using: &random) ?? 1,
                    step: [1, 1000].randomElement(using: &random) ?? 1)
            }
            let supply = Int.random(in: 0...12_000, using: &random)
            let less = supply - Int.random(in: 0...supply, using: &random)
            var (large, small) = (claims, claims)
            let leftOfLarge = WaterFill.fill(&large, supply: supply)
            let leftOfSmall = WaterFill.fill(&small, supply: less)
            let room = claims.reduce(0) { $0 + $1.room }
            #expect(leftOfLarge == supply - min(supply, room))
            #expect(leftOfSmall == less - min(less, room))
            for (more, fewer) in zip(large, small) {
                #expect(more.held >= fewer.held)
                #expect(more.held - fewer.held <= supply - less)
            }
        }
    }
}

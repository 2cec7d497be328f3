import PoiseModel
import PoiseWire
import Testing

@Suite struct HostChannelBudgetTests {
    private func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func aBucketGivesItsBurstAndThenItsRate() {
        var bucket = TokenBucket(burst: 3, perSecond: 10, now: at(0))
        let atOnce = (0..<5).map { _ in bucket.take(now: at(0)) }
        #expect(atOnce == [true, true, true, false, false])
        let after = [99, 100, 100, 199, 200].map { bucket.take(now: at($0)) }
        #expect(after == [false, true, false, false, true])
    }

    @Test func aLongPauseFillsNoMoreThanTheBurst() {
        var bucket = TokenBucket(burst: 2, perSecond: 1000, now: at(0))
        let taken = (0..<5).count { _ in bucket.take(now: Instant(nanoseconds: .max)) }
        #expect(taken == 2)
    }

    @Test func aClockThatGoesBackGivesNothing() {
        var bucket = TokenBucket(burst: 1, perSecond: 10, now: at(1000))
        let taken = [1000, 0, 500, 1000, 1100].map { bucket.take(now: at($0)) }
        #expect(taken == [true, false, false, false, true])
    }

    @Test(arguments: [1, 3, 7, 50, 999]) func inTheLongRunTheRateIsExact(rate: Int) {
        var bucket = TokenBucket(burst: rate, perSecond: rate, now: at(0))
        var taken = 0
        for millisecond in 0...5000 { while bucket.take(now: at(millisecond)) { taken += 1 } }
        #expect(taken == rate * 6)
    }

    @Test func whatIsDroppedIsToldOnceASecond() {
        var budget = HostChannelBudget(now: at(0))
        let let1000 = (0..<1000).count { _ in budget.admits(.logs, now: at(0)) }
        #expect(let1000 == 200)
        let early = budget.takeDropped(now: at(999))
        let told = budget.takeDropped(now: at(1000))
        let again = budget.takeDropped(now: at(3000))
        #expect(early == nil)
        #expect(told == .dropped(TrafficCounts([.logs: 800])))
        #expect(again == nil)
    }

    @Test func theNewestNeedOfEachClassAlwaysGetsThrough() {
        var budget = HostChannelBudget(now: at(0))
        var seen: [Int] = []
        for millicores in 1...100 {
            budget.keep(.init(coreClass: .performance, millicores: millicores, milliseconds: 5))
            seen += budget.takeNeeds(now: at(0)).map(\.millicores)
        }
        budget.keep(.init(coreClass: .performance, millicores: 0, milliseconds: 0))
        #expect(seen == Array(1...20))
        let isWaiting = budget.isWaiting
        #expect(isWaiting)
        let later = budget.takeNeeds(now: at(100)).map(\.millicores)
        #expect(later == [0])
        let dropped = budget.takeDropped(now: at(1000))
        #expect(dropped == .dropped(TrafficCounts([.needs: 80])))
    }
}

import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// What features may send, over random traffic: bursts, pauses and floods by a seed.
@Suite struct TrafficBudgetTests {
    /// Moments in order, in bursts with pauses between, over about two minutes.
    private static func moments(_ random: inout SeededGenerator) -> [Instant] {
        var now = Int.random(in: 0...1_000_000_000, using: &random)
        var moments: [Instant] = []
        while moments.count < 4000 {
            now += Int.random(in: 0...2_000_000_000, using: &random)
            for _ in 0..<Int.random(in: 1...400, using: &random) {
                now += Int.random(in: 0...5_000_000, using: &random)
                moments.append(Instant(nanoseconds: now))
            }
        }
        return moments
    }

    private static let messages = TrafficClass.allCases.filter { !$0.isBytes }

    @Test("no stretch of time holds more than burst + rate × time", arguments: 0..<40)
    func bucket(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let kind = Self.messages[Int(seed) % Self.messages.count]
        let moments = Self.moments(&random)
        var budget = TrafficBudget(now: moments[0])
        let limit = budget.limit(of: kind)
        let passed = moments.filter { budget.admit(kind, now: $0) }
        for start in stride(from: 0, to: passed.count, by: 7) {
            for end in start..<passed.count {
                let time = (passed[end] - passed[start]).wholeNanoseconds
                let most = limit.burst * 1_000_000_000 + limit.perSecond * time
                #expect((end - start + 1) * 1_000_000_000 <= most)
            }
        }
    }

    @Test("no window of its length holds more than the window's limit", arguments: 0..<40)
    func window(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let most = Int.random(in: 1...300, using: &random)
        let length = Duration.milliseconds(Int.random(in: 1...20_000, using: &random))
        let moments = Self.moments(&random)
        var window = SlidingWindow(length, most: most, now: moments[0])
        var passed: [Instant] = []
        for moment in moments where window.room(now: moment) > 0 {
            window.add(1, now: moment)
            passed.append(moment)
        }
        var first = 0
        for end in passed.indices {
            while passed[end] - passed[first] > length { first += 1 }
            #expect(end - first + 1 <= most)
        }
        #expect(passed.count >= min(most, moments.count))
    }

    @Test("what goes through evenly is at least ten elevenths of the window's limit")
    func even() {
        var window = SlidingWindow(.seconds(10), most: 1100, now: Instant(nanoseconds: 0))
        var passed = 0
        for millisecond in 0..<100_000 {
            let now = Instant(nanoseconds: millisecond * 1_000_000)
            if window.room(now: now) > 0 {
                window.add(1, now: now)
                passed += 1
            }
        }
        #expect(passed >= 10_000)
        #expect(passed <= 11_000)
    }

    @Test("the more pressure, the less goes through up to any moment", arguments: 0..<40)
    func stricter(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let kind = Self.messages[Int(seed) % Self.messages.count]
        let moments = Self.moments(&random)
        var budgets = TrafficPressure.steps.map { percent in
            var budget = TrafficBudget(now: moments[0])
            budget.limit(percent: percent, now: moments[0])
            return budget
        }
        for moment in moments {
            for index in budgets.indices { _ = budgets[index].admit(kind, now: moment) }
            let passed = budgets.map { $0.passed[kind] }
            #expect(passed == passed.sorted(by: >))
        }
        if kind != .answers {
            #expect(budgets[4].passed[kind] < budgets[0].passed[kind])
        }
    }

    @Test("what was sent is what passed and what was dropped, for every class", arguments: 0..<20)
    func sums(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let moments = Self.moments(&random)
        var budget = TrafficBudget(times: 1 + Int(seed) % 2, now: moments[0])
        var sent = TrafficCounts()
        for moment in moments {
            guard let kind = TrafficClass.allCases.randomElement(using: &random) else { continue }
            if Int.random(in: 0..<200, using: &random) == 0 {
                let percent = Int.random(in: 0...120, using: &random)
                budget.limit(percent: percent, now: moment)
            }
            let amount = kind.isBytes ? Int.random(in: 0...70_000, using: &random) : 1
            if kind == .outputBytes {
                _ = budget.admit(kind, upTo: amount, now: moment)
            } else {
                _ = budget.admit(kind, amount, now: moment)
            }
            sent.add(amount, to: kind)
        }
        for kind in TrafficClass.allCases {
            #expect(budget.passed[kind] + budget.dropped[kind] == sent[kind])
        }
    }

    @Test("pressure that ends gives back the limits, and not what would have come meanwhile")
    func back() {
        let start = Instant(nanoseconds: 0)
        var budget = TrafficBudget(now: start)
        budget.limit(percent: 10, now: start)
        let strict = (0..<1000).count { _ in budget.admit(.logs, now: start) }
        #expect(strict == 20)
        budget.limit(percent: 100, now: start)
        let atOnce = (0..<1000).count { _ in budget.admit(.logs, now: start) }
        #expect(atOnce == 0)
        let later = start + .seconds(10)
        #expect((0..<1000).count { _ in budget.admit(.logs, now: later) } == 200)
    }

    @Test("answers are never limited more, whatever the pressure")
    func answers() {
        let full = TrafficLimit.of(.answers)
        #expect(full.scaled(percent: 10) == full)
        #expect(TrafficLimit.of(.logs).scaled(percent: 10).burst == 20)
    }

    @Test("pressure makes limits stricter at once and less strict step by step")
    func pressure() {
        var pressure = TrafficPressure()
        var seen: [Int] = []
        for second in 0..<40 {
            let now = Instant(nanoseconds: second * 1_000_000_000)
            let perMille = (5..<7).contains(second) ? 990 : 100
            pressure.look(cpuPressurePerMille: perMille, lateness: .zero, now: now)
            if seen.last != pressure.percent { seen.append(pressure.percent) }
        }
        #expect(seen == [100, 50, 75, 100])
    }

    @Test(
        "a daemon that comes late to its work is pressure too",
        arguments: [
            (0, 100), (60, 75), (120, 50), (300, 25), (900, 10),
        ])
    func late(milliseconds: Int, percent: Int) {
        var pressure = TrafficPressure()
        pressure.look(
            cpuPressurePerMille: nil, lateness: .milliseconds(milliseconds),
            now: Instant(nanoseconds: 0))
        #expect(pressure.percent == percent)
    }

    @Test("twenty messages that are none in ten seconds are a failure, once in ten seconds")
    func garbage() {
        var watch = GarbageWatch(now: Instant(nanoseconds: 0))
        let at = { (milliseconds: Int) in Instant(nanoseconds: milliseconds * 1_000_000) }
        let told = (0..<300).filter { watch.take(now: at($0 * 100)) }
        #expect(told.first == 19)
        #expect(zip(told, told.dropFirst()).allSatisfy { $1 - $0 >= 100 })
        #expect(told.count == 3)
        var seldom = GarbageWatch(now: at(0))
        #expect((0..<300).allSatisfy { !seldom.take(now: at($0 * 1000)) })
    }

    @Test("a datagram's class is seen by its first bytes, as its whole says")
    func peeking() throws {
        let news: [HostNews] = [
            .log(.info, text: "a", fields: []), .event(name: "e", fields: []),
            .need(.performance, millicores: 1, milliseconds: 1), .report(LoadReport()),
            .health(.good), .started, .applied(generation: 1), .dropped(TrafficCounts()),
        ]
        for one in news {
            #expect(TrafficClass(peeking: Array(one.json.description.utf8)) == TrafficClass(one))
        }
        for text in [
            "", "{", "null", #"{"news":"#, #"{"news":"reboot"}"#, #"{"a":1,"news":"log"}"#,
        ] {
            #expect(TrafficClass(peeking: Array(text.utf8)) == .garbage)
        }
    }

    @Test("counts that a lying host sends do not overflow")
    func overflow() {
        var counts = TrafficCounts([.logs: .max, .events: 1])
        counts.add(TrafficCounts([.logs: .max, .events: 2]))
        #expect(counts[.logs] == .max && counts[.events] == 3 && counts.messages == .max)
    }
}

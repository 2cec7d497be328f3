import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseDaemon

@Suite struct LookRhythmTests {
    private let every = Duration.milliseconds(100)
    private let a = LookRhythmTests.feature("a")
    private let b = LookRhythmTests.feature("b")

    static func feature(_ name: String) -> FeatureID {
        guard let feature = FeatureID(name) else { preconditionFailure(name) }
        return feature
    }

    /// Looks whenever it is due, for `time`; gives when each was looked at, in milliseconds.
    private func run(
        _ rhythm: inout LookRhythm, from start: Int, for time: Int, took: Duration = .zero,
        isQuiet: (Int) -> Bool, signs: (Int) -> FeatureID? = { _ in nil }
    ) -> [FeatureID: [Int]] {
        var looks: [FeatureID: [Int]] = [:]
        for millisecond in start..<(start + time) {
            let now = Instant(nanoseconds: millisecond * 1_000_000)
            if let feature = signs(millisecond) { rhythm.sign(of: feature, now: now) }
            guard let moment = rhythm.nextMoment, moment <= now else { continue }
            let features = rhythm.due(of: [a, b], now: now)
            for feature in features { looks[feature, default: []].append(millisecond) }
            rhythm.looked(
                at: features, isQuiet: isQuiet(millisecond), took: took, every: every, now: now)
        }
        return looks
    }

    @Test("nothing is looked at while nothing goes on")
    func idle() {
        var rhythm = LookRhythm()
        #expect(rhythm.nextMoment == nil)
        #expect(run(&rhythm, from: 0, for: 10_000, isQuiet: { _ in true }).isEmpty)
    }

    @Test("a sign has its feature looked at at once, and all soon after")
    func sign() {
        var rhythm = LookRhythm()
        let looks = run(
            &rhythm, from: 0, for: 300, isQuiet: { _ in false }, signs: { $0 == 10 ? a : nil })
        #expect(looks[a]?.prefix(2) == [10, 35])
        #expect(looks[b]?.first == 35)
        #expect(looks[b] == [35, 135, 235])
    }

    @Test("a storm of signs makes no more than one look in 20 ms at a feature")
    func storm() {
        var rhythm = LookRhythm()
        let looks = run(
            &rhythm, from: 0, for: 10_000, isQuiet: { _ in false },
            signs: { $0 % 2 == 0 ? a : nil })
        let times = looks[a] ?? []
        #expect((450...500).contains(times.count))
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 20 })
        // Nobody else is looked at more often for it.
        #expect((95...105).contains(looks[b]?.count ?? 0))
    }

    @Test("ten quiet looks end it")
    func quiet() {
        var rhythm = LookRhythm()
        let looks = run(
            &rhythm, from: 0, for: 5000, isQuiet: { $0 > 1000 }, signs: { $0 == 0 ? a : nil })
        #expect(!rhythm.isActive && rhythm.nextMoment == nil)
        #expect((looks[b] ?? []).filter { $0 > 1000 }.count == 10)
    }

    @Test("looks that take long are made less often: a fiftieth of the time at most")
    func slow() {
        var rhythm = LookRhythm()
        let looks = run(
            &rhythm, from: 0, for: 10_000, took: .milliseconds(10), isQuiet: { _ in false },
            signs: { $0 == 0 ? a : nil })
        #expect((19...21).contains(looks[b]?.count ?? 0))
    }

    @Test("a thorough look that sees something begins the regular ones")
    func tick() {
        var rhythm = LookRhythm()
        let now = Instant(nanoseconds: 5)
        rhythm.looked(at: [a, b], isQuiet: true, took: .zero, every: every, now: now)
        #expect(rhythm.nextMoment == nil)
        rhythm.looked(at: [a, b], isQuiet: false, took: .zero, every: every, now: now)
        #expect(rhythm.nextMoment == now + LookRhythm.second)
    }
}

@Suite struct ReactionTests {
    private let feature = LookRhythmTests.feature("a")

    private func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    private func allocation(_ cpus: CPUSet) -> ResourceAllocation {
        ResourceAllocation(feature: feature, exclusive: cpus)
    }

    @Test("a need counts from its signal until more is held, and not when less is")
    func need() {
        var reaction = Reaction()
        reaction.began(allocation([0, 1]))
        reaction.needs(feature, since: at(10))
        reaction.applied([allocation([0])], threads: 3, decided: at(11), now: at(12))
        #expect(reaction.need.count == 0)
        reaction.turned(.zero) { _ in true }
        reaction.applied([allocation([0, 1, 2])], threads: 5, decided: at(14), now: at(15))
        #expect(reaction.need.count == 1 && reaction.need.longest == .milliseconds(5))
        #expect(reaction.apply.count == 2 && reaction.threads == (8, 5))
        // The next change is not for that need.
        reaction.applied([allocation([0, 1, 2, 3])], threads: 0, decided: at(20), now: at(20))
        #expect(reaction.need.count == 1)
    }

    @Test("a need for which nothing is outstanding is not waited for")
    func needMet() {
        var reaction = Reaction()
        reaction.needs(feature, since: at(10))
        reaction.turned(.zero) { _ in false }
        reaction.applied([allocation([0])], threads: 0, decided: at(11), now: at(12))
        #expect(reaction.need.count == 0)
    }

    @Test("a wait counts from its first sign; one that nothing came of is told apart")
    func pressure() {
        var reaction = Reaction()
        reaction.waits(feature, since: at(0))
        reaction.looked(feature, waits: true, now: at(100))
        reaction.applied([allocation([0])], threads: 0, decided: at(120), now: at(130))
        #expect(reaction.pressure.longest == .milliseconds(130))
        reaction.waits(feature, since: at(200))
        reaction.looked(feature, waits: false, now: at(300))
        reaction.applied([allocation([0, 1])], threads: 0, decided: at(310), now: at(320))
        #expect(reaction.pressure.count == 1 && reaction.unanswered == 1)
    }
}

@Suite struct ReportTests {
    @Test("what a plugin says of itself is taken in its bounds, and what cannot be is unknown")
    func reports() {
        for (said, taken) in [
            (0.5, 500), (1.4, 1000), (0, 0), (.nan, nil), (-0.1, nil), (.infinity, nil),
        ] as [(Double, Int?)] {
            var report = LoadReport()
            report.utilisation = said
            var reading = LoadReading(microseconds: 1)
            reading.take(report)
            #expect(reading.utilisationPerMille == taken)
        }
        for (said, taken) in [
            (.milliseconds(4), 4000), (.seconds(-1), nil), (.seconds(Int64.max), nil),
        ] as [(Duration, Int?)] {
            var report = LoadReport()
            report.latencyP99 = said
            report.queueDepth = said < .zero ? -1 : 3
            var reading = LoadReading(microseconds: 1)
            reading.take(report)
            #expect(reading.latencyP99Microseconds == taken)
            #expect(reading.queueDepth == (said < .zero ? nil : 3))
        }
    }
}

import PoiseBench
import PoiseHardware
import PoiseModel
import PoiseTestSupport
import Testing

/// The placement benchmark's goals on a shorter run. All is counted, nothing is timed.
@Suite struct PlacementTests {
    @Test(arguments: [70, 90]) func poiseKeepsFeaturesTogetherForLittle(load: Int) throws {
        let outcome = PlacementBench(.server, operations: 600, seeds: 1...2)
            .run(loadPercent: load, [.poise])
        let poise = try #require(outcome.scores[.poise])
        #expect(poise.cacheSpan <= 1.1)
        #expect(poise.nodeSpan <= 1.04)
        #expect(poise.movedPerOperation <= 0.6)
        #expect(poise.shortShare == 0)
    }

    @Test(arguments: [70, 90]) func everyPortIsFurtherApartThanPoise(load: Int) throws {
        let outcome = PlacementBench(.server, operations: 300, seeds: 1...1)
            .run(loadPercent: load)
        let poise = try #require(outcome.scores[.poise])
        for port in PlacementBench.Allocator.allCases where port != .poise {
            let score = try #require(outcome.scores[port])
            #expect(score.cacheSpan > poise.cacheSpan, "\(port)")
            #expect(score.nodeSpan > poise.nodeSpan, "\(port)")
            // On equal cores every port serves what was asked for.
            #expect(score.shortShare == 0, "\(port)")
        }
    }

    @Test func theSameSeedGivesTheSameFigures() {
        let bench = PlacementBench(.server, operations: 100, seeds: 5...5)
        #expect(bench.run(loadPercent: 90).scores == bench.run(loadPercent: 90).scores)
        let other = PlacementBench(.server, operations: 100, seeds: 6...6)
        #expect(bench.run(loadPercent: 90).scores != other.run(loadPercent: 90).scores)
    }

    @Test(arguments: [50, 70, 90]) func theLoadIsJustBelowWhatWasAskedFor(load: Int) {
        let outcome = PlacementBench(.server, operations: 1500, seeds: 1...1)
            .run(loadPercent: load, [])
        #expect(outcome.meanLoad * 100 <= Double(load))
        #expect(outcome.meanLoad * 100 >= Double(load) - 8)
    }
}

/// Every machine that is shipped or was recorded.
@Suite struct PlacementOnMachines {
    private static let paths: [String] = {
        let shipped = Repository.files("\(Repository.root)/hwprofiles", ending: ".xml")
        guard let shared = Repository.shared else { return shipped }
        return shipped + Repository.files(shared + "/topologies", ending: ".xml")
    }()

    private func scores(
        _ path: String
    ) throws -> (machine: ChurnMachine, of: [PlacementBench.Allocator: ChurnScore]) {
        let machine = ChurnMachine(try Machine.discover(from: .file(path)))
        let outcome = PlacementBench(machine, operations: 120, seeds: 1...1).run(loadPercent: 70)
        return (machine, outcome.scores)
    }

    @Test(arguments: paths) func poiseSplitsNoCoreAndGivesWhatWasAskedFor(path: String) throws {
        let poise = try #require(try scores(path).of[.poise])
        #expect(poise.splitShare == 0)
        #expect(poise.shortShare == 0)
        #expect(poise.foreignShare == 0)
        #expect(poise.cacheSpan <= 1.1)
        // Seen when this was written: up to 1.084, where a node has 8 cores.
        #expect(poise.nodeSpan <= 1.1)
    }

    @Test(arguments: paths) func oneNumberOfPUsACoreFailsWhereCoresDiffer(path: String) throws {
        let (machine, scores) = try scores(path)
        let kubelet = try #require(scores[.kubeletCaches])
        let fixed = try #require(scores[.fixedCoreOrder])
        let isHybrid = machine.hasMixedWidth && machine.machine.classes.count > 1
        if isHybrid {
            #expect(fixed.shortShare > 0)
            // Two wide cores are one tenant's at 70 % load, who shares them with nobody.
            let wide = machine.machine.cores.count { $0.pus.count > 1 }
            if wide > 2 { #expect(kubelet.splitShare > 0) }
        } else if !machine.hasMixedWidth {
            #expect(kubelet.splitShare == 0)
            #expect(fixed.shortShare == 0)
        }
    }
}

import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct SamplerTests {
    typealias Reading = CPUTimeAccumulator.Reading

    static func reading(_ pid: ProcessID, own: Int, children: Int = 0, start: Int = 1) -> Reading {
        Reading(pid: pid, startTicks: start, ownTicks: own, childrenTicks: children)
    }

    @Test(
        arguments: [
            // A child grows, ends, and its time comes back through its parent.
            ([[(1, 5, 0), (2, 10, 0)], [(1, 6, 12)]], [15, 18]),
            // A child that nobody waited for keeps what it was counted with.
            ([[(1, 5, 0), (2, 10, 0)], [(1, 9, 0)]], [15, 19]),
            // A child that came and went between two readings.
            ([[(1, 5, 0)], [(1, 5, 30)]], [5, 35]),
            // Both at once: the growth of a living process is never hidden by a loss.
            ([[(1, 0, 0), (2, 100, 0), (3, 7, 0)], [(1, 0, 0), (3, 27, 0)]], [107, 127]),
            // Nothing can be read for a moment.
            ([[(1, 5, 5)], []], [10, 10]),
        ] as [([[(ProcessID, Int, Int)]], [Int])])
    func timeNeverGoesBackwards(steps: [[(ProcessID, Int, Int)]], totals: [Int]) {
        var time = CPUTimeAccumulator()
        var seen: [Int] = []
        for step in steps {
            time.update(step.map { Self.reading($0.0, own: $0.1, children: $0.2) })
            seen.append(time.totalTicks)
        }
        #expect(seen == totals)
    }

    @Test func aNumberThatIsUsedAgainIsAnotherProcess() {
        var time = CPUTimeAccumulator()
        time.update([Self.reading(9, own: 50, start: 1)])
        time.update([Self.reading(9, own: 3, start: 2)])
        #expect(time.totalTicks == 53)
    }

    @Test func randomTreesGiveTheTimeThatWasUsed() {
        var random = SplitMix(seed: 3)
        for _ in 0..<100 {
            var time = CPUTimeAccumulator()
            // One parent that waits for all of its children.
            var living: [ProcessID: Int] = [:]
            var (own, waitedFor, next) = (0, 0, ProcessID(2))
            for _ in 0..<40 {
                own += Int(random.next() % 3)
                for pid in living.keys.sorted() {
                    living[pid, default: 0] += Int(random.next() % 5)
                    if random.next() % 4 == 0 { waitedFor += living.removeValue(forKey: pid) ?? 0 }
                }
                if random.next() % 2 == 0 {
                    living[next] = 0
                    next += 1
                }
                let children = living.sorted { $0.key < $1.key }
                time.update(
                    [Self.reading(1, own: own, children: waitedFor)]
                        + children.map { Self.reading($0.key, own: $0.value) })
                #expect(time.totalTicks == own + waitedFor + living.values.reduce(0, +))
            }
        }
    }

    @Test func aTimeThatIsToldRoundedDownIsNotCountedTwice() {
        // A child is seen with 14 of its 15; its parent's times are told in tens.
        var time = CPUTimeAccumulator(rounding: 10)
        time.update([Self.reading(1, own: 0), Self.reading(2, own: 14)])
        time.update([Self.reading(1, own: 0, children: 10)])
        #expect(time.totalTicks == 14)
        time.update([Self.reading(1, own: 0, children: 20)])
        #expect(time.totalTicks == 20)
        // What is lost for good hides only so much of what comes later.
        time.update([Self.reading(1, own: 0, children: 20), Self.reading(3, own: 500)])
        time.update([Self.reading(1, own: 0, children: 20)])
        time.update([Self.reading(1, own: 0, children: 120)])
        #expect(time.totalTicks == 20 + 500 + 90)
    }

    @Test func aRealFeatureIsCountedWithItsChildren() throws {
        let loop = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
        let shell = try Running.shell("echo up; read line; (\(loop)); echo done; read line")
        #expect(try shell.line() == "up")
        let counters = ProcessCounters(mostOpen: 8)
        let before = counters.read([shell.process.pid])
        #expect(before.processes == 1)
        #expect(before.threads == 1)
        #expect((before.memoryBytes ?? 0) > 0)
        try shell.write("\n")
        #expect(try shell.line() == "done")
        let after = counters.read([shell.process.pid])
        let used = try #require(after.usedNanoseconds)
        #expect(used > (before.usedNanoseconds ?? 0))
        // Nothing has come since: the same without a new list, and time only goes forward.
        let again = counters.read(nil)
        #expect(again.processes == 1)
        #expect((again.usedNanoseconds ?? 0) >= used)
        shell.closeInput()
        _ = try shell.end()
        #expect(counters.read([shell.process.pid]) == LoadCounters())
    }

    @Test("time that a child used is there also when it ended between two looks that list nothing")
    func endedChild() throws {
        let loop = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
        let shell = try Running.shell(
            "sh -c 'echo up; read line; \(loop)' <&3; echo done; read line"
        ) { $0.descriptors[3] = $0.descriptors[0] }
        #expect(try shell.line() == "up")
        let counters = ProcessCounters(mostOpen: 8)
        let before = counters.read([shell.process.pid])
        #expect(before.processes == 2)
        try shell.write("\n")
        #expect(try shell.line() == "done")
        let after = counters.read(nil)
        #expect(after.processes == 1)
        // It looped for more than a clock tick.
        let used = (after.usedNanoseconds ?? 0) - (before.usedNanoseconds ?? 0)
        #expect(used >= 10_000_000)
    }

    @Test(
        "the time of all threads is there, and what they waited for a CPU, open files or not",
        arguments: [0, 2, 100])
    func threads(mostOpen: Int) throws {
        // Four loops on one CPU wait for three quarters of the time.
        let loops = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
        let shell = try Running.shell(
            "echo up; read line; for n in 1 2 3 4; do (\(loops)) & done; wait; echo done; read line"
        )
        #expect(try shell.line() == "up")
        let cpu = try #require(ThreadSettings.cpus(of: 0).first)
        try ThreadSettings.setCPUs([cpu], of: shell.process.pid)
        let counters = ProcessCounters(mostOpen: mostOpen)
        let before = counters.read([shell.process.pid])
        try shell.write("\n")
        var waited = 0
        var used = 0
        for _ in 0..<20 {
            usleep(10_000)
            let now = counters.read([shell.process.pid])
            waited = max(waited, (now.waitedNanoseconds ?? 0) - (before.waitedNanoseconds ?? 0))
            used = max(used, (now.usedNanoseconds ?? 0) - (before.usedNanoseconds ?? 0))
        }
        #expect(used > 10_000_000)
        #expect(waited > used)
        _ = try shell.line()
    }

    @Test func descendantsAreFoundByBothWays() throws {
        let shell = try Running.shell("sh -c 'echo $$; read line; true' <&3; true") {
            $0.descriptors[3] = $0.descriptors[0]
        }
        let child = try #require(ProcessID(try shell.line()))
        #expect(ProcessTree.children(of: shell.process.pid) == [child])
        #expect(ProcessTree.childrenByParent()[shell.process.pid] == [child])
        #expect(ProcessTree.descendants(of: shell.process.pid) == [child])
        #expect(ProcessTree.tree(of: [child, shell.process.pid]) == [child, shell.process.pid])
    }

    @Test func theEnvironmentOfAProcessCanBeAsked() throws {
        let shell = try Running.shell("echo up; read line") {
            $0.environment["POISE_FEATURE"] = "a=b"
        }
        #expect(try shell.line() == "up")
        #expect(ProcessFiles.environmentValue("POISE_FEATURE", of: shell.process.pid) == "a=b")
        #expect(ProcessFiles.environmentValue("POISE", of: shell.process.pid) == nil)
        #expect(OwnEnvironment.variables["PATH"] != nil)
    }
}

import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct LoadCounterTests {
    private static func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

    @Test(
        "what is read as bytes is what is read as text",
        arguments: [
            "", "some", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
            "some avg10=1.00 avg60=0.50 avg300=0.25 total=38106581\nfull avg10=0.00 avg60=0.00 "
                + "avg300=0.00 total=7\n",
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
                + "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n",
            "awesome avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
        ])
    func pressure(text: String) {
        let whole = PressureFormat.parse(text)
        let total = PressureFormat.someTotal(Self.bytes(text))
        #expect(total.map { .microseconds($0) } == whole?.some.total)
    }

    @Test("a counter is found by its whole name at the beginning of a line")
    func counters() {
        let stat = Self.bytes(
            "usage_usec 3201\nuser_usec 9\nnr_throttled 4\nthrottled_usec 77\nburst_usec 0\n")
        #expect(CounterFormat.number("usage_usec", in: stat) == 3201)
        #expect(CounterFormat.number("throttled_usec", in: stat) == 77)
        #expect(CounterFormat.number("usec", in: stat) == nil)
        #expect(CounterFormat.number("usage", in: stat) == nil)
        #expect(CounterFormat.number("x", in: Self.bytes("x 9223372036854775808\n")) == nil)
        #expect(CounterFormat.number("x", in: Self.bytes("x -1\n")) == nil)
        #expect(CounterFormat.single(Self.bytes("4096\n")) == 4096)
        #expect(CounterFormat.single(Self.bytes("max\n")) == nil)
    }

    @Test("random files of counters give the same by both ways", arguments: UInt64(0)..<20)
    func sameCounters(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let names = ["a", "ab", "b", "usage_usec", "_"]
        var text = ""
        for name in names.shuffled(using: &random) where Bool.random(using: &random) {
            text += "\(name) \(Int.random(in: 0...Int.max, using: &random))\n"
        }
        let all = CounterFormat.parse(text)
        let bytes = Self.bytes(text)
        #expect(CounterFormat.number("a", in: bytes) == all["a"])
        #expect(CounterFormat.number("ab", in: bytes) == all["ab"])
        #expect(CounterFormat.number("b", in: bytes) == all["b"])
        #expect(CounterFormat.number("usage_usec", in: bytes) == all["usage_usec"])
        #expect(CounterFormat.number("_", in: bytes) == all["_"])
    }

    @Test("files that are read often have tables of their own")
    func formats() {
        #expect(
            LoadAverageFormat.parse(Self.bytes("0.20 0.18 0.12 3/80 11206\n"))
                == ProcessCount(runnable: 3, threads: 80, newest: 11206))
        for text in ["", "0.20 0.18 0.12 3 11206", "0.20 0.18 0.12 3/80", "a b c d/e f"] {
            #expect(LoadAverageFormat.parse(Self.bytes(text)) == nil)
        }
        #expect(
            ScheduleStatFormat.parse(Self.bytes("900 77 3\n"))
                == ScheduleStat(ranNanoseconds: 900, waitedNanoseconds: 77))
        for text in ["", "0 0 0\n", "1 2\n", "1 2 x\n"] {
            #expect(ScheduleStatFormat.parse(Self.bytes(text)) == nil)
        }
        #expect(
            NodeMemoryFormat.parse(
                Self.bytes("anon N0=4096 N1=0\nfile N0=1 N1=8192\nkernel_stack N0=7 N1=7\n"))
                == [0: 4097, 1: 8192])
        for text in ["", "anon N0=1\n", "anon N0\nfile N0=1\n", "anon 5\nfile N0=1\n"] {
            #expect(NodeMemoryFormat.parse(Self.bytes(text)) == nil)
        }
        let stat = "cpu  10 1 20 300 5 2 3 4 0 0\ncpu0 10 1 20 300 5 2 3 4 0 0\nctxt 9\n"
        #expect(KernelStatFormat.all(Self.bytes(stat)) == KernelStatFormat.parse(stat)?.all)
        #expect(KernelStatFormat.all(Self.bytes("cpu 1 2 3\n")) == nil)
    }

    @Test("two looks become rates, by the time between them")
    func rates() {
        var before = LoadCounters()
        before.usedNanoseconds = 1_000_000_000
        before.waitedNanoseconds = 0
        before.cpuStalledMicroseconds = 500
        before.throttledMicroseconds = 0
        before.ioBytes = 1 << 60
        before.memoryLimitHits = 3
        var after = before
        after.usedNanoseconds = 1_150_000_000
        after.waitedNanoseconds = 25_000_000
        after.cpuStalledMicroseconds = 30_500
        // Throttled on four CPUs at once.
        after.throttledMicroseconds = 400_000
        after.ioBytes = 1 << 60 + 1 << 40
        after.memoryLimitHits = 5
        after.memoryBytes = 77
        after.nodeBytes = [0: 10, 1: 20, 2: 30]
        let reading = after.reading(since: before, over: .milliseconds(100), nodes: [1])
        #expect(reading?.microseconds == 100_000)
        #expect(reading?.usedMillicores == 1500)
        #expect(reading?.waitingMillicores == 250)
        #expect(reading?.cpuPressurePerMille == 300)
        #expect(reading?.throttledPerMille == 1000)
        #expect(reading?.ioBytesPerSecond == 10 << 40)
        #expect(reading?.memoryLimitHits == 2)
        #expect(reading?.memoryBytes == 77)
        #expect(reading?.remoteBytes == 40)
        #expect(reading?.memoryPressurePerMille == nil)
        #expect(after.reading(since: before, over: .zero, nodes: []) == nil)
        #expect(after.reading(since: before, over: .seconds(1), nodes: [])?.remoteBytes == nil)
    }

    @Test("a counter that is not there, or went backwards, is unknown and not 0")
    func unknown() {
        var before = LoadCounters()
        before.usedNanoseconds = 5
        var after = LoadCounters()
        after.usedNanoseconds = 4
        after.waitedNanoseconds = 9
        let reading = after.reading(since: before, over: .seconds(1), nodes: [0])
        #expect(reading == LoadReading(microseconds: 1_000_000))
    }

    @Test("a cgroup without files is unknown in everything, and so is one that is gone")
    func noFiles() throws {
        let folder = try TemporaryFolder()
        let counters = CgroupCounters(at: folder.path)
        #expect(counters.read(isThorough: true) == LoadCounters())
    }

    @Test("what the files of a cgroup say is read, and the slow ones only in a thorough look")
    func files() throws {
        let folder = try TemporaryFolder()
        let pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total="
        let write = { (name: String, text: String) in
            #expect(Repository.write(text, to: "\(folder.path)/\(name)"))
        }
        write("cpu.stat", "usage_usec 5\nthrottled_usec 6\n")
        write("memory.current", "4096\n")
        write("cpu.pressure", pressure + "7\n")
        write("memory.pressure", pressure + "8\n")
        write("io.pressure", pressure + "9\n")
        write("pids.current", "3\n")
        write("memory.events", "low 0\nhigh 2\nmax 1\noom 0\noom_kill 4\n")
        write("memory.numa_stat", "anon N0=1\nfile N0=2\n")
        write("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16\n")
        let counters = CgroupCounters(at: folder.path)
        var expected = LoadCounters()
        expected.usedNanoseconds = 5000
        expected.throttledMicroseconds = 6
        expected.memoryBytes = 4096
        (expected.cpuStalledMicroseconds, expected.memoryStalledMicroseconds) = (7, 8)
        expected.ioStalledMicroseconds = 9
        #expect(counters.read(isThorough: false) == expected)
        (expected.threads, expected.memoryLimitHits, expected.killed) = (3, 3, 4)
        expected.nodeBytes = [0: 3]
        expected.ioBytes = 3
        #expect(counters.read(isThorough: true) == expected)
        write("pids.current", "9\n")
        write("memory.current", "8192\n")
        expected.memoryBytes = 8192
        #expect(counters.read(isThorough: false) == expected)
        expected.threads = 9
        #expect(counters.read(isThorough: true) == expected)
    }

    @Test("a look reads a file that has grown to its end")
    func growing() throws {
        let folder = try TemporaryFolder()
        let stat = "\(folder.path)/cpu.stat"
        #expect(Repository.write("usage_usec 5\n", to: stat))
        let counters = CgroupCounters(at: folder.path)
        #expect(counters.read(isThorough: false).usedNanoseconds == 5000)
        let long = String(repeating: "nr_other 1\n", count: 900) + "usage_usec 6\n"
        #expect(Repository.write(long, to: stat))
        #expect(counters.read(isThorough: false).usedNanoseconds == 6000)
    }

    @Test("this machine's counters only go forward")
    func machine() throws {
        let counters = MachineCounters()
        let before = counters.read()
        let busy = try #require(before.busyNanoseconds)
        usleep(20_000)
        let after = counters.read()
        #expect((after.busyNanoseconds ?? 0) >= busy)
        let load = after.load(since: before, over: .milliseconds(20))
        #expect(load.busyMillicores != nil)
        #expect((counters.processCount?.newest ?? 0) > 0)
    }
}

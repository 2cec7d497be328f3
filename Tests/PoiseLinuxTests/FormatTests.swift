import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct FormatTests {
    /// The manual's numbers of the fields that are read, after the state.
    static let numbers = [4, 6, 14, 15, 16, 17, 19, 20, 22, 24]

    static func values(of stat: ProcessStat) -> [Int] {
        [
            Int(stat.parent), Int(stat.session), stat.userTicks, stat.systemTicks,
            stat.childrenUserTicks, stat.childrenSystemTicks, stat.nice, stat.threads,
            stat.startTicks, stat.residentPages,
        ]
    }

    @Test(arguments: ["sh", "a b", ") R 1 2 3 (", "", "(((", "kworker/0:1-events"])
    func aProcessNameMayHoldAnything(name: String) throws {
        var random = SplitMix(seed: 7)
        for pid: ProcessID in 1...50 {
            let values = Self.numbers.map { _ in Int(random.next() % 4_194_304) }
            var fields = ["S"] + [String](repeating: "-1", count: 48)
            for (number, value) in zip(Self.numbers, values) { fields[number - 3] = "\(value)" }
            let text = "\(pid) (\(name)) \(fields.joined(separator: " "))\n"
            let stat = try #require(ProcessStatFormat.parse(text))
            #expect(stat.pid == pid && stat.name == name && stat.state == "S")
            #expect(Self.values(of: stat) == values)
        }
    }

    @Test(arguments: ["", "1", "1 (a", "1 (a) S 1 2 3", "x (a) S", ")(", "1 (a) SS 1"])
    func whatIsNoProcessStatIsNil(text: String) {
        #expect(ProcessStatFormat.parse(text) == nil)
    }

    @Test func cpuListsSurviveTheRoundTrip() {
        var random = SplitMix(seed: 11)
        for _ in 0..<300 {
            let words = (0..<Int(random.next() % 4)).map { _ in random.next() & random.next() }
            let cpus = CPUSet(words: words)
            #expect(CPUListFormat.parse(CPUListFormat.format(cpus)) == cpus)
        }
        #expect(CPUListFormat.parse("0-3,8\n") == [0, 1, 2, 3, 8])
        #expect(CPUListFormat.parse("3-0") == nil)
    }

    @Test(
        arguments: [
            ("some avg10=1.50 avg60=0.20 avg300=0.05 total=12345\n", 1.5, nil),
            (
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                    + "full avg10=99.01 avg60=0.00 avg300=0.00 total=7\n", 0, 99.01
            ),
        ] as [(String, Double, Double?)])
    func pressureIsReadInPerCent(text: String, some: Double, full: Double?) {
        let pressure = PressureFormat.parse(text)
        #expect(pressure?.some.average10 == some)
        #expect(pressure?.full?.average10 == full)
    }

    @Test(arguments: [
        "", "full avg10=0 avg60=0 avg300=0 total=0", "some avg10=x avg60=0 avg300=0 total=0",
        "some avg10=0 avg60=0 total=0", "some avg10=0 avg60=0 avg300=0 total=-1",
        "some avg10=101 avg60=0 avg300=0 total=0", "other avg10=0 avg60=0 avg300=0 total=0",
    ])
    func brokenPressureIsNilAndNotQuiet(text: String) {
        #expect(PressureFormat.parse(text) == nil)
    }

    @Test func sessionNiceValuesSurviveTheRoundTrip() {
        for nice in -20...19 {
            let text = "/autogroup-77 nice \(AutogroupFormat.format(nice))\n"
            #expect(AutogroupFormat.parse(text) == nice)
        }
        #expect(AutogroupFormat.parse("/autogroup-77 nice 20\n") == nil)
        #expect(AutogroupFormat.parse("") == nil)
    }

    @Test func kernelTimesAddUp() {
        let text =
            "cpu  10 20 30 400 50 6 7 8 5 2\ncpu0 1 2 3 4 5 6 7 8 0 0\nctxt 99\nprocesses 5\n"
        let times = KernelStat.Times(busyTicks: 73, idleTicks: 450, stolenTicks: 8)
        let first = KernelStat.Times(busyTicks: 19, idleTicks: 9, stolenTicks: 8)
        let stat = KernelStat(all: times, cpus: [0: first], contextSwitches: 99, processes: 5)
        #expect(KernelStatFormat.parse(text) == stat)
        #expect(KernelStatFormat.parse("cpu 1 2 x") == nil)
        #expect(KernelStatFormat.parse("") == nil)
    }

    @Test func memoryIsInBytesAndUnknownIsNil() {
        let text = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  500 kB\nHugePages_Total: 0\n"
        let totals = MemoryTotals(
            totalBytes: 1_024_000, availableBytes: 512_000, swapTotalBytes: nil, swapFreeBytes: nil)
        #expect(MemoryTotalsFormat.parse(text) == totals)
        #expect(MemoryTotalsFormat.parse("MemTotal: 1000 kB\n") == nil)
        #expect(MemoryTotalsFormat.parse("MemTotal: 1\nMemAvailable: 1 kB\n") == nil)
    }

    @Test func statusTellsMasksAndMemory() {
        let text =
            "Name:\tsh\nPPid:\t4\nVmRSS:\t    8 kB\nThreads:\t3\nCpus_allowed_list:\t0-1,4\n"
        let status = ProcessStatusFormat.parse(text)
        #expect(status?.parent == 4)
        #expect(status?.residentBytes == 8192)
        #expect(status?.threads == 3)
        #expect(status?.cpus == [0, 1, 4])
        #expect(status?.nodes == nil)
        #expect(ProcessStatusFormat.parse("Name:\tsh\n") == nil)
    }

    @Test func thisMachinesFilesAreRead() throws {
        let own = try #require(ProcessFiles.stat(of: getpid()))
        #expect(own.pid == getpid())
        #expect(own.parent == getppid())
        let kernel = try #require(ProcessFiles.kernelStat())
        #expect(kernel.cpus.count >= 1)
        let memory = try #require(ProcessFiles.memory())
        #expect(memory.availableBytes <= memory.totalBytes)
        #expect(ProcessFiles.status(of: getpid())?.cpus?.isEmpty == false)
        #expect(ProcessTree.threads(of: getpid()).contains(getpid()))
        #expect(ProcessFiles.stat(of: 0) == nil)
    }
}

/// A small generator of random numbers that gives the same for the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

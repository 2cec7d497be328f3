import Glibc
import PoiseModel
import Streaming
import StreamingCore
import Synchronization
import Testing

/// A source at work on real threads, files and sockets.
private final class SourceRun: Sendable {
    let results = Results()
    let feed: SourceFeed
    let pipeline: Pipeline
    private let threads: JobThreads
    private let end = Mutex<SourceEnd?>(nil)
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    init(_ source: some EventSource, _ json: JSON = .null, most bytes: Int = 8 << 20) throws {
        let configuration = try StreamingConfiguration(json)
        threads = try JobThreads(count: 2)
        let bell = try Doorbell()
        var settings = Pipeline.Settings(shape: configuration.shape)
        settings.lateness = configuration.lateness
        settings.mostBytes = bytes
        pipeline = Pipeline(
            settings: settings,
            surroundings: Pipeline.Surroundings(
                now: { SystemClock.now() }, submit: { [threads] in threads.submit($0) },
                deliver: { [results] in results.take($0, $1) }, onRoom: { bell.ring() }))
        feed = SourceFeed(
            pipeline: pipeline, configuration: configuration, bell: bell, note: { _ in })
        let thread = try OwnThread(name: "source") { [self] in
            let how = source.run(feed)
            end.withLock { $0 = how }
        }
        self.thread.withLock { $0 = thread }
    }

    var ended: SourceEnd? { end.withLock { $0 } }
    var events: Int { pipeline.counters.events.load(ordering: .relaxed) }
    var malformed: Int { pipeline.counters.malformed.load(ordering: .relaxed) }

    /// Waits for the source to end by itself, or stops it, and for everything to be worked off.
    func finish(stopping: Bool = false) throws -> SourceEnd {
        if stopping { feed.stop() }
        try #require(Deadline.until { ended != nil })
        thread.withLock { $0 }?.join()
        try #require(Deadline.until { pipeline.isIdle })
        threads.end()
        return try #require(ended)
    }
}

private func rows(_ count: Int, from second: Int = 0) -> String {
    "timestamp,value\n" + (0..<count).map { "\(second + $0),\($0)\n" }.joined()
}

@Test func fileIsReadToItsEndAndNamesItsSeries() throws {
    let folder = try Files.temporaryFolder()
    try Files.write(rows(20_000), to: folder + "/a.csv")
    let run = try SourceRun(FileSource(path: folder + "/a.csv", isFolder: false, again: false))
    #expect(try run.finish() == .finished)
    #expect(run.events == 20_000)
    #expect(run.results.lines.count == 2000)
    #expect(run.results.lines.allSatisfy { $0.hasPrefix(#"{"key":"a","#) })
}

@Test func folderPlaysEveryFileBelowItOnAClockOfItsOwn() throws {
    let folder = try Files.temporaryFolder()
    #expect(mkdir(folder + "/deep", 0o755) == 0)
    // The second lies a hundred years before the first and is late for nobody.
    try Files.write(rows(100, from: 3_000_000_000), to: folder + "/a.csv")
    try Files.write(rows(100), to: folder + "/deep/b.csv")
    try Files.write("", to: folder + "/empty.csv")
    try Files.write("not read", to: folder + "/notes.txt")
    let run = try SourceRun(FileSource(path: folder, isFolder: true, again: false))
    #expect(try run.finish() == .finished)
    #expect(run.events == 200)
    #expect(run.pipeline.counters.late.load(ordering: .relaxed) == 0)
    #expect(run.results.lines.filter { $0.hasPrefix(#"{"key":"deep/b","#) }.count == 10)
}

@Test func repeatedFileGoesOnInTime() throws {
    let folder = try Files.temporaryFolder()
    try Files.write(rows(50), to: folder + "/a.csv")
    let run = try SourceRun(FileSource(path: folder + "/a.csv", isFolder: false, again: true))
    #expect(Deadline.until { run.events >= 1000 })
    #expect(try run.finish(stopping: true) == .stopped)
    #expect(run.pipeline.counters.late.load(ordering: .relaxed) == 0)
    #expect(
        run.results.lines.filter { !$0.contains("anomaly") }.allSatisfy {
            $0.contains(#""count":10"#)
        })
}

@Test(arguments: [
    ("/nowhere/a.csv", false), ("/nowhere", true), ("/proc/self/mem", false),
    ("/dev/null/x", false),
])
func fileThatCannotBeReadBreaksTheSource(path: String, isFolder: Bool) throws {
    let run = try SourceRun(FileSource(path: path, isFolder: isFolder, again: false))
    guard case .broken(let text) = try run.finish() else {
        Issue.record("\(path) was read")
        return
    }
    #expect(text.contains(path))
}

@Test func commandIsReadUntilItEnds() throws {
    let program =
        #"i=0; while [ $i -lt 500 ]; do echo "{\"time\":$i,\"value\":1}"; i=$((i+1)); done"#
    let run = try SourceRun(CommandSource(words: ["/bin/sh", "-c", program]))
    #expect(try run.finish() == .finished)
    #expect(run.events == 500)
    #expect(run.results.lines.first?.contains(#""key":"sh""#) == true)
}

@Test(arguments: [
    (["/nowhere/program"], "cannot start"), (["/bin/sh", "-c", "exit 3"], "status 3"),
    (["/bin/sh", "-c", "kill -9 $$"], "signal 9"),
])
func commandThatFailsBreaksTheSource(words: [String], text: String) throws {
    let run = try SourceRun(CommandSource(words: words))
    guard case .broken(let told) = try run.finish() else {
        Issue.record("\(words) did not fail")
        return
    }
    #expect(told.contains(text))
}

@Test func commandThatGoesOnForEverIsStopped() throws {
    let run = try SourceRun(
        CommandSource(words: ["/bin/sh", "-c", "while :; do echo 1,1; sleep 0.01; done"]))
    #expect(Deadline.until { run.events > 2 })
    #expect(try run.finish(stopping: true) == .stopped)
}

private func connect(_ port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = UInt16(port).bigEndian
    _ = inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
    let result = withUnsafeBytes(of: &name) { bytes -> Int32 in
        guard let base = bytes.bindMemory(to: sockaddr.self).baseAddress else { return -1 }
        return Glibc.connect(descriptor, base, socklen_t(bytes.count))
    }
    guard result == 0 else { throw Errno(errno) }
    return descriptor
}

private func put(_ text: String, _ descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

@Test func manyProducersSendAndNoneHarmsAnother() throws {
    let port = Mutex(0)
    let run = try SourceRun(
        TCPSource(address: "127.0.0.1", port: 0) { told in port.withLock { $0 = told } },
        most: 64 << 10)
    try #require(Deadline.until { port.withLock { $0 } != 0 })
    let number = port.withLock { $0 }
    // One is silent, one breaks off in a line, one sends no line end, one sends rubbish first.
    let silent = try connect(number)
    let broken = try connect(number)
    put(#"{"key":"cut","time":1,"va"#, broken)
    close(broken)
    let endless = try connect(number)
    put(String(repeating: "x", count: 3 * LineParser.longestLine), endless)
    let rubbish = try connect(number)
    put("\u{1}\u{2}rubbish\n" + #"{"key":"late but good","time":1,"value":1}"# + "\n", rubbish)
    // One's clock is wrong by centuries, which must not make the others late.
    put(#"{"key":"ahead","time":"2999-01-01","value":1}"# + "\n", rubbish)
    for producer in 0..<8 {
        let descriptor = try connect(number)
        if producer % 2 == 0 {
            put(
                "time,key,value\n" + (0..<500).map { "\($0),p\(producer),1\n" }.joined(), descriptor
            )
        } else {
            let lines = (0..<500).map { #"{"key":"p\#(producer)","time":\#($0),"value":1}"# }
            put(lines.joined(separator: "\n"), descriptor)
        }
        close(descriptor)
    }
    #expect(Deadline.until { run.events == 4001 && run.malformed >= 4 })
    for descriptor in [silent, endless, rubbish] { close(descriptor) }
    #expect(try run.finish(stopping: true) == .stopped)
}

@Test func portInUseBreaksTheSourceWithItsReason() throws {
    let port = Mutex(0)
    let first = try SourceRun(
        TCPSource(address: "127.0.0.1", port: 0) { told in port.withLock { $0 = told } })
    try #require(Deadline.until { port.withLock { $0 } != 0 })
    let second = try SourceRun(TCPSource(address: "127.0.0.1", port: port.withLock { $0 }))
    guard case .broken(let text) = try second.finish() else {
        Issue.record("one port was listened on twice")
        return
    }
    #expect(text.contains("EADDRINUSE"))
    _ = try first.finish(stopping: true)
}

@Test func systemSourceSamplesThisMachine() throws {
    let run = try SourceRun(SystemSource(period: .milliseconds(10), load: nil))
    #expect(Deadline.until { run.events > 100 })
    _ = try run.finish(stopping: true)
    #expect(run.malformed == 0)
    run.pipeline.flush()
}

@Test func systemSourceRepeatsAtTheRate() throws {
    let load = LoadShape.steady(20_000)
    let run = try SourceRun(
        SystemSource(period: .milliseconds(50), load: load), ["source": ["rate": 20_000]])
    let start = SystemClock.now()
    #expect(Deadline.until { run.events > 4000 })
    let seconds = (SystemClock.now() - start).inSeconds
    _ = try run.finish(stopping: true)
    // No more than the rate; how much less is the machine's business.
    #expect(Double(run.events) <= 20_000 * (seconds + 0.2))
    #expect(run.malformed == 0)
}

@Test func countersOfProcAreToldAsRates() {
    var earlier = SystemCounters()
    earlier.addStat(
        "cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0 0 0\nctxt 100\nintr 7 1\n")
    earlier.addNetwork("a|b\nc|d\n  eth0: 1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n")
    earlier.addPressure("cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n")
    var later = SystemCounters()
    later.addStat("cpu  40 0 20 140 0 0 0 0 0 0\ncpu0 5 0 10 80 0 0 0 0 0 0\nctxt 300\nintr 8 1\n")
    later.addMemory("MemTotal: 8 kB\nMemFree:  4 kB\n")
    later.addDisks(" 8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n 7 0 loop0 1 0 1 0 1 0 1 0 0 0 0\n")
    later.addNetwork("a|b\nc|d\n  eth0: 3000 1 0 0 0 0 0 0 600 1 0 0 0 0 0 0\n")
    later.addPressure("cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n")
    let told = later.readings(since: earlier, over: .seconds(2)).map { "\($0.name) \($0.value)" }
    #expect(
        told == [
            "cpu.busy 0.4", "kernel.switches 100.0", "kernel.interrupts 0.5", "memory.free 4096.0",
            "network.eth0.received 1000.0", "network.eth0.sent 50.0", "pressure.cpu.some 0.5",
        ])
}

@Test func resultFileIsRotatedAtItsBound() throws {
    let path = try Files.temporaryFolder() + "/results"
    let output = ResultOutput(.file(path), mostBytes: 100)
    for index in 0..<20 { output.write(Array("line number \(index)\n".utf8)) }
    output.close()
    let newest = Files.read(path)
    let before = Files.read(path + ".1")
    #expect(newest.utf8.count <= 100 && before.utf8.count <= 100)
    #expect(newest.hasSuffix("line number 19\n"))
    #expect(before.hasSuffix("\n") && !before.isEmpty)
    #expect(output.problem == nil)
}

@Test func fullDiskIsToldAndCounted() {
    let output = ResultOutput(.file("/dev/full"))
    output.write(Array("line\n".utf8))
    #expect(output.problem?.contains("ENOSPC") == true)
    #expect(output.lostBytes == 5)
    let nowhere = ResultOutput(.file("/nowhere/results"))
    nowhere.write(Array("line\n".utf8))
    #expect(nowhere.problem?.contains("/nowhere/results") == true)
}

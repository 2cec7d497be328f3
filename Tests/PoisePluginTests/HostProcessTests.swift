import Glibc
import PoiseModel
import PoiseWire
import Testing

// The plugins are C sources, so these tests need a C compiler (`cc` on PATH).
@Suite(.enabled(if: Programs.compiler != nil, "no C compiler `cc` on PATH"))
struct HostProcessTests {
    static let allocation: HostAllocation = {
        var allocation = HostAllocation(
            generation: 1, exclusive: [0, 1], shared: [4], borrowed: [5], baseline: [0])
        allocation.cores = [
            .init(cpus: [0], coreClass: .efficiency), .init(cpus: [1], coreClass: .efficiency),
        ]
        allocation.millicores.performance = 1500
        allocation.accelerators = [AcceleratorShare(id: "gpu0", bytes: 1, sharePercent: nil)]
        allocation.weight = 300
        allocation.memoryMaxBytes = 4096
        return allocation
    }()

    private func start(_ name: String, config: JSON = [:]) throws -> HostProcess {
        let plugin = try Programs.plugin(name)
        let host = try HostProcess(plugin: plugin)
        host.tell(
            .start(
                feature: "tried", plugin: plugin, config: config, allocation: Self.allocation,
                stateFolder: "/state"))
        return host
    }

    @Test func aPluginGoesThroughItsLife() throws {
        let before = Instant.now
        let host = try start("good", config: ["a": 1])
        let begun = try host.news { $0 == .started }
        let abi = 0x10002
        let given = HostNews.Field("given", "tried /state {\"a\":1} 2")
        #expect(
            begun == [
                .loaded(name: "test", version: "1.2", abi: abi), .created,
                .log(.info, text: "started", fields: [given, .init("empty", "")]),
                .event(name: "open", fields: [given]),
                .need(.efficiency, millicores: 2500, milliseconds: 1500), .started,
            ])
        // The moment is one of this machine's clock, before now.
        #expect(host.signals.count == 1)
        #expect(host.signals.allSatisfy { $0 < Instant.now && $0 > before })
        var next = Self.allocation
        next.generation = 2
        host.tell(.apply(next))
        let applied = try host.news { $0 == .applied(generation: 2) }
        #expect(
            applied == [
                .log(.debug, text: "3 10 20 1 2/1 gpu0 1500 300 4096", fields: []),
                .applied(generation: 2),
            ])
        host.tell(.checkHealth)
        #expect(try host.next() == .health(.degraded("one input is away")))
        host.tell(.sample)
        var report = LoadReport()
        report.utilisation = 0.5
        report.queueDepth = 7
        report.latencyP99 = .milliseconds(250)
        report.gauges = [.init(name: "lag", value: 1.5)]
        #expect(try host.next() == .report(report))
        host.tell(.serviceLevel(.essential))
        #expect(try host.next() == .log(.debug, text: "level 1", fields: []))
        host.tell(.shrink(bytes: 5 << 30))
        #expect(try host.next() == .log(.debug, text: "shrink 5368709120", fields: []))
        host.tell(.drain(milliseconds: 70))
        host.tell(.stop)
        let (rest, exit) = try host.end()
        #expect(rest == [.log(.debug, text: "drain 70", fields: []), .drained, .stopped])
        #expect(exit == .code(0))
    }

    @Test(arguments: [
        ("wrong_abi", "load", "ABI 7"), ("missing_symbol", "load", "poise_plugin_entry"),
        ("missing_call", "load", "create"), ("refuse", "create", "config.colour is missing"),
    ])
    func whatCannotGetBetterIsPermanent(name: String, stage: String, part: String) throws {
        let (news, exit) = try start(name).end()
        guard case .failed(let failed, let text, permanent: true) = news.last else {
            Issue.record("\(news)")
            return
        }
        #expect(failed == stage)
        #expect(text.contains(part))
        #expect(exit == .code(100))
    }

    @Test func whatLacksSomethingOutsideMayBeStartedAgain() throws {
        let (news, exit) = try start("refuse", config: "outside").end()
        #expect(
            news.last
                == .failed(
                    stage: "start", text: "nobody listens on port 7000", permanent: false))
        #expect(exit == .code(111))
    }

    @Test(arguments: ["/nowhere/at/all.so", "/", "/etc/passwd", "/dev/null"])
    func whatIsNoLibraryIsPermanent(path: String) throws {
        let host = try HostProcess(plugin: path)
        host.tell(
            .start(
                feature: "tried", plugin: path, config: [:], allocation: Self.allocation,
                stateFolder: "/state"))
        let (news, exit) = try host.end()
        guard news.count == 1, case .failed("load", let text, permanent: true) = news[0] else {
            Issue.record("\(news)")
            return
        }
        #expect(text.contains(path))
        #expect(exit == .code(100))
    }

    @Test func aCrashIsASignalAndNotACode() throws {
        let (news, exit) = try start("crash_in_create").end()
        #expect(news == [.loaded(name: "test", version: "1.2", abi: 0x10002)])
        #expect(exit == .signal(SIGSEGV))
    }

    @Test(arguments: [true, false]) func aHostWhosePluginHangsEndsByItself(bySignal: Bool) throws {
        let host = try start("hang_in_start")
        #expect(try host.news { $0 == .created }.last == .created)
        if bySignal { host.signal(SIGTERM) } else { host.hangUp() }
        #expect(try host.end().exit == .code(124))
    }

    @Test(arguments: [true, false]) func aHostThatIsToEndStopsItsPlugin(bySignal: Bool) throws {
        let host = try start("good")
        #expect(try host.news { $0 == .started }.last == .started)
        if bySignal { host.signal(SIGTERM) } else { host.hangUp() }
        let (news, exit) = try host.end()
        if bySignal { #expect(news.suffix(2) == [.drained, .stopped]) }
        #expect(exit == .code(0))
    }

    @Test(arguments: [true, false]) func aHostWithoutOrdersEndsAtOnce(bySignal: Bool) throws {
        let host = try HostProcess(plugin: "/nowhere.so")
        // Its handler is there when it answers to something.
        if bySignal {
            host.tell(.stop)
            #expect(try host.end().exit == .code(100))
        } else {
            host.hangUp()
            #expect(try host.end().exit == .code(0))
        }
    }

    @Test func aFloodIsCutAndCounted() throws {
        let host = try start("flood")
        var logs = 0
        var events = 0
        var needs: [Int] = []
        var dropped = TrafficCounts()
        let isLast: (HostNews) -> Bool = { news in
            switch news {
            case .log(let level, let text, let fields):
                logs += 1
                #expect(level == .error && text.utf8.count <= 2048 && fields.count <= 16)
            case .event: events += 1
            case .need(_, let millicores, _, _): needs.append(millicores)
            case .dropped(let counts): dropped.add(counts)
            default: break
            }
            return needs.last == 19_999 && dropped[.logs] + logs == 20_000
                && dropped[.events] + events == 20_000
                && dropped[.needs] + needs.count == 20_000
        }
        _ = try host.news(until: isLast)
        #expect(needs.last == 19_999)
        #expect(logs < 2000 && events < 2000 && needs.count < 2000)
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
    }

    @Test("what must be known waits while nobody reads, and chatter does not")
    func aPause() throws {
        let host = try start("chatter")
        #expect(try host.news { $0 == .started }.last == .started)
        // The socket is full within a moment.
        usleep(1_000_000)
        var next = Self.allocation
        next.generation = 2
        host.tell(.apply(next))
        for _ in 0..<3 {
            host.tell(.sample)
            host.tell(.checkHealth)
            usleep(300_000)
        }
        host.tell(.drain(milliseconds: 1))
        let needed = HostNews.need(.performance, millicores: 4242, milliseconds: 1000)
        // The newest need, and after that what was lost meanwhile.
        var all = try host.news { $0 == needed }
        all += try host.news {
            if case .dropped(let counts) = $0 { counts[.logs] > 0 } else { false }
        }
        let answers = all.filter {
            switch $0 {
            case .applied, .report, .health, .drained: true
            default: false
            }
        }
        var report = LoadReport()
        report.utilisation = 0.25
        // How many of the questions were answered by one depends on when each came.
        #expect(answers.first == .applied(generation: 2) && answers.last == .drained)
        #expect(answers.count { $0 == .applied(generation: 2) } == 1)
        #expect((1...3).contains(answers.count { $0 == .report(report) }))
        #expect((1...3).contains(answers.count { $0 == .health(.good) }))
        host.tell(.checkHealth)
        #expect(try host.news { $0 == .health(.good) }.last == .health(.good))
        host.tell(.stop)
        let (rest, exit) = try host.end()
        #expect(rest.last == .stopped && exit == .code(0))
    }

    @Test("the last words of a host wait for somebody who reads them")
    func lastWords() throws {
        let host = try start("chatter")
        #expect(try host.news { $0 == .started }.last == .started)
        usleep(500_000)
        host.tell(.stop)
        usleep(2_000_000)
        let (news, exit) = try host.end()
        #expect(news.contains(.stopped))
        #expect(exit == .code(0))
    }

    @Test func aLieIsLeftOutAndTold() throws {
        let host = try start("lie")
        host.tell(.sample)
        host.tell(.checkHealth)
        let news = try host.news { if case .health = $0 { true } else { false } }
        var report = LoadReport()
        report.gauges = [.init(name: "true", value: 4)]
        #expect(news.contains(.report(report)))
        guard case .health(.failing(let why)) = news.last else {
            Issue.record("\(news)")
            return
        }
        #expect(why.contains("42"))
        host.tell(.sample)
        host.tell(.stop)
        let (rest, exit) = try host.end()
        let told = (news + rest).filter {
            if case .log(.warning, _, _) = $0 { true } else { false }
        }
        #expect(told.count == 1)
        #expect("\(told)".contains("utilisation -3"))
        #expect(exit == .code(0))
    }

    @Test(arguments: ["", "{", "[]", "{\"order\":\"reboot\"}", "{\"order\":\"sample\"}", "\u{0}"])
    func aFirstMessageThatIsNoStartEndsTheHost(text: String) throws {
        let host = try HostProcess(plugin: "/nowhere.so")
        host.tell(Array(text.utf8))
        // An empty datagram is the end of the channel.
        #expect(try host.end().exit == .code(text.isEmpty ? 0 : 100))
    }

    @Test func garbageAfterTheStartHarmsNobody() throws {
        let host = try start("good")
        #expect(try host.news { $0 == .started }.last == .started)
        host.tell([0xFF, 0x00, 0x7B])
        host.tell([UInt8](repeating: 0x5B, count: 100_000))
        host.tell(
            .start(
                feature: "other", plugin: "/x", config: [:], allocation: Self.allocation,
                stateFolder: "/"))
        host.tell(.checkHealth)
        let news = try host.news { if case .health = $0 { true } else { false } }
        #expect(news.last == .health(.degraded("one input is away")))
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
    }

    @Test(arguments: [
        [], ["--feature", "a"], ["--check"], ["--what"], ["--check", "a", "--channel", "3"],
    ])
    func wrongUseIsPermanent(words: [String]) throws {
        #expect(try Programs.run(Programs.host(), words) == .code(100))
    }

    @Test func `a plugin of ABI 1.0, whose table is shorter, is not called beyond it`() throws {
        let host = try start("old")
        _ = try host.news { $0 == .started }
        host.tell(.serviceLevel(.emergency))
        host.tell(.shrink(bytes: 1 << 20))
        host.tell(.checkHealth)
        #expect(try host.next() == .health(.good))
        host.tell(.stop)
        #expect(try host.end().1 == .code(0))
    }

    @Test(arguments: [
        ("good", 0, 12), ("lie", 100, 12), ("refuse", 100, 2), ("wrong_abi", 100, 1),
    ])
    func aCheckTellsEachStep(name: String, code: Int32, lines: Int) throws {
        let output = try Programs.scratchFolder() + "/check-\(name).json"
        let words = ["--check", try Programs.plugin(name)]
        #expect(try Programs.run(Programs.host(), words, output: output) == .code(code))
        let steps = try Programs.text(of: output).split(separator: "\n")
            .map { try JSON.parse(String($0)) }
        #expect(steps.count == lines)
        let names = [
            "open", "create", "start", "apply", "apply", "serviceLevel", "serviceLevel", "shrink",
            "healthy", "sample", "drain", "stop",
        ]
        #expect(steps.map { $0["step"]?.string } == names.prefix(lines).map { $0 })
    }
}

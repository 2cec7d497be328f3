import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@Suite struct HostMessageTests {
    static let allocation: HostAllocation = {
        var allocation = HostAllocation(
            generation: 9, exclusive: [0, 1, 64], shared: [5], borrowed: [7], baseline: [0])
        allocation.cores = [
            .init(cpus: [0, 64], coreClass: .performance), .init(cpus: [1], coreClass: .lowPower),
        ]
        allocation.millicores.efficiency = 1500
        allocation.weight = 250
        allocation.memoryLowBytes = 1 << 30
        allocation.memoryMaxBytes = 1 << 40
        allocation.accelerators = [AcceleratorShare(id: "npu0", bytes: 3, sharePercent: 25)]
        return allocation
    }()

    static let report: LoadReport = {
        var report = LoadReport()
        report.utilisation = 0.75
        report.queueDepth = 12
        report.throughputPerSecond = 1e6
        report.latencyP99 = .milliseconds(250)
        report.gauges = [.init(name: "lag.seconds", value: -1.5)]
        return report
    }()

    @Test(arguments: [
        HostOrder.start(
            feature: "a", plugin: "/x/a.so", config: ["k": [1, 2.5, nil, "\u{1}é"]],
            allocation: allocation, stateFolder: "/s"),
        .apply(allocation), .drain(milliseconds: 1500), .stop, .sample, .checkHealth,
    ])
    func anOrderSurvivesTheWay(order: HostOrder) throws {
        #expect(try HostOrder(json: JSON.parse(order.json.description)) == order)
    }

    @Test(arguments: [
        HostNews.loaded(name: "n", version: "1.2", abi: 65536), .created, .started,
        .applied(generation: 9), .drained, .stopped, .report(report), .report(LoadReport()),
        .health(.good), .health(.degraded("slow")), .health(.failing("gone")),
        .need(.efficiency, millicores: 2500, milliseconds: 0),
        .need(
            .lowPower, millicores: 1, milliseconds: 9, signalled: Instant(nanoseconds: 1 << 60)),
        .log(.warning, text: "a\nb", fields: [.init("k", "v"), .init("l", "")]),
        .event(name: "open", fields: []), .failed(stage: "start", text: "why", permanent: true),
        .dropped(TrafficCounts([.logs: 1, .events: 2, .needs: 3, .reports: 4])),
    ])
    func newsSurviveTheWay(news: HostNews) throws {
        #expect(try HostNews(json: JSON.parse(news.json.description)) == news)
    }

    @Test(arguments: [
        "{}", "[]", "7", #"{"news":"reboot"}"#, #"{"news":7}"#, #"{"news":"applied"}"#,
        #"{"news":"applied","generation":-1}"#, #"{"news":"applied","generation":1.5}"#,
        #"{"news":"applied","generation":1e300}"#, #"{"news":"health","health":"fine"}"#,
        #"{"news":"health","health":"failing"}"#,
        #"{"news":"need","class":"fast","millicores":1,"milliseconds":1}"#,
        #"{"news":"need","class":"performance","millicores":-1,"milliseconds":1}"#,
        #"{"news":"need","class":"performance","millicores":9223372036854775807,"milliseconds":1}"#,
        #"{"news":"log","level":"loud","text":"","fields":{}}"#,
        #"{"news":"log","level":"info","text":[],"fields":{}}"#,
        #"{"news":"log","level":"info","text":"","fields":{"a":1}}"#,
        #"{"news":"report","utilisation":-0.1}"#, #"{"news":"report","utilisation":1e300}"#,
        #"{"news":"report","utilisation":"NaN"}"#, #"{"news":"report","queueDepth":-1}"#,
        #"{"news":"report","latencyP99Seconds":1e18}"#,
        #"{"news":"report","gauges":{"a":"b"}}"#, #"{"news":"report","gauges":{"a b":1}}"#,
        #"{"news":"dropped","logs":1,"events":1}"#,
    ])
    func whatAHostileHostSendsIsRefused(text: String) {
        #expect(throws: WireError.self) { try HostNews(json: JSON.parse(text)) }
    }

    @Test func aRefusalRepeatsLittleOfWhatItRefuses() throws {
        let long = JSON.object([.init("news", .string(String(repeating: "x", count: 60_000)))])
        let error = #expect(throws: WireError.self) { try HostNews(json: long) }
        #expect(try #require(error).description.count < 200)
    }

    @Test func aTextCannotSteerTheTerminal() throws {
        let news = HostNews.log(.info, text: "a\u{1B}[2Jb\u{9B}c", fields: [.init("k", "\r\u{7F}")])
        #expect(
            try HostNews(json: news.json)
                == .log(
                    .info, text: "a\u{FFFD}[2Jb\u{FFFD}c",
                    fields: [.init("k", "\u{FFFD}\u{FFFD}")]))
    }

    /// The largest that a well-behaved host makes fits a datagram, however it is escaped.
    @Test func theLargestLineOfTheLogFitsADatagram() {
        let field = HostNews.Field(
            String(repeating: "\"", count: 64), String(repeating: "\n", count: 256))
        let news = HostNews.log(
            .error, text: String(repeating: "\\", count: 2048),
            fields: Array(repeating: field, count: HostNews.mostFields))
        #expect(news.json.description.utf8.count <= HostOrder.longest)
    }

    @Test(arguments: Array(UInt64(0)..<20)) func changedMessagesNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sound: [JSON] = [
            HostNews.report(Self.report).json, HostOrder.apply(Self.allocation).json,
            HostNews.log(.info, text: "t", fields: [.init("k", "v")]).json,
            HostNews.need(
                .performance, millicores: 1, milliseconds: 1, signalled: Instant(nanoseconds: 5)
            ).json,
        ]
        for _ in 0..<500 {
            let changed = change(sound.randomElement(using: &random) ?? .null, &random)
            if let news = try? HostNews(json: changed) {
                #expect((try? HostNews(json: news.json)) == news)
            }
            if let order = try? HostOrder(json: changed) {
                #expect((try? HostOrder(json: order.json)) == order)
            }
        }
    }

    private func change(_ json: JSON, _ random: inout SeededGenerator) -> JSON {
        let strange: [JSON] = [
            .null, true, .integer(.min), .integer(.max), -1, .number(1e308), .number(-0.5), "",
            "0-99999999999", "4-1", .string(String(repeating: "9", count: 5000)), [], [:], [[]],
            .object([.init("", .object([]))]),
        ]
        if Int.random(in: 0..<4, using: &random) == 0 {
            return strange.randomElement(using: &random) ?? .null
        }
        switch json {
        case .object(let members):
            return .object(members.map { .init($0.key, change($0.value, &random)) })
        case .array(let elements): return .array(elements.map { change($0, &random) })
        default: return json
        }
    }
}

import PoiseModel
import PoisePlugin
import Streaming
import StreamingCore
import Synchronization
import Testing

/// A plugin with a host that keeps what it is told.
private final class PluginRun: Sendable {
    let plugin: StreamingPlugin
    let folder: String
    private let list: CallList

    init(_ config: JSON, millicores: Int = 1000) throws {
        folder = try Files.temporaryFolder()
        let calls = CallList()
        let host = Host(
            feature: "streaming", stateFolder: folder, allocation: Self.allocation(millicores),
            tell: { calls.add($0) })
        list = calls
        plugin = try StreamingPlugin(host: host, config: config)
    }

    var told: [Host.Call] { list.all }

    /// Shared time on the first two PUs, or however many there are.
    static func allocation(_ millicores: Int) -> Allocation {
        var allocation = Allocation()
        allocation.shared = [0, 1]
        allocation.millicores = Allocation.Millicores(performance: millicores)
        return allocation
    }

    func gauge(_ name: String) -> Double? {
        plugin.report().gauges.first { $0.name == name }?.value
    }
}

private final class CallList: Sendable {
    private let calls = Mutex<[Host.Call]>([])

    func add(_ call: Host.Call) { calls.withLock { $0.append(call) } }
    var all: [Host.Call] { calls.withLock { $0 } }
}

@Test func pluginReadsAFileAndWritesItsWindows() throws {
    let folder = try Files.temporaryFolder()
    let rows = (0..<1005).map { "\($0),k\($0 % 10),\($0)\n" }.joined()
    try Files.write("time,key,value\n" + rows, to: folder + "/in.csv")
    let run = try PluginRun([
        "source": ["kind": "file", "path": .string(folder + "/in.csv")], "output": "results.json",
    ])
    try run.plugin.start()
    #expect(Deadline.until { run.gauge("windows_closed") == 1005 })
    #expect(run.plugin.health == .good)
    let report = run.plugin.report()
    #expect(report.queueDepth == 0 && report.errors == 0)
    #expect(run.gauge("keys") == 10 && run.gauge("windows_open") == 0)
    run.plugin.drain(within: .seconds(5))
    run.plugin.stop()
    #expect(Files.read(run.folder + "/results.json").split(separator: "\n").count == 1005)
}

@Test func resizingLosesNoEventAndDrainingGivesPartialWindows() throws {
    let script =
        "i=0; while [ $i -lt 30000 ]; do echo $i,k$((i % 97)),1; i=$((i+1)); done; sleep 60"
    let run = try PluginRun([
        "source": ["kind": "command", "command": ["/bin/sh", "-c", .string(script)]],
        "window": ["size": "1000000s"], "output": "results.json",
    ])
    try run.plugin.start()
    for millicores in [4000, 1000, 2000, 1000] {
        run.plugin.apply(PluginRun.allocation(millicores))
        let before = run.gauge("events") ?? 0
        #expect(Deadline.until { (run.gauge("events") ?? 0) > before || before == 30_000 })
    }
    #expect(Deadline.until { run.gauge("events") == 30_000 })
    run.plugin.drain(within: .seconds(5))
    run.plugin.stop()
    let lines = Files.read(run.folder + "/results.json").split(separator: "\n")
        .filter { !$0.hasPrefix("{\"anomaly") }
    #expect(lines.count == 97)
    #expect(lines.allSatisfy { $0.hasSuffix(#""partial":true}"#) })
}

@Test func moreWorkersAreAskedForWhileOneIsNotEnough() throws {
    let folder = try Files.temporaryFolder()
    let rows = (0..<20_000).map { "\($0),k\($0 % 997),\($0 % 7)\n" }.joined()
    try Files.write("time,key,value\n" + rows, to: folder + "/in.csv")
    let run = try PluginRun([
        "source": ["kind": "file", "path": .string(folder + "/in.csv"), "repeat": true]
    ])
    try run.plugin.start()
    let need = Host.Call.need(
        millicores: 2000, of: .performance, for: NeedSignal.validity)
    #expect(Deadline.until { run.told.contains(need) })
    #expect(Deadline.until { run.plugin.report().latencyP99 != nil })
    run.plugin.drain(within: .seconds(5))
    run.plugin.stop()
}

@Test func sourceThatIsGoneMakesThePluginFail() throws {
    let run = try PluginRun(["source": ["kind": "file", "path": "/nowhere/in.csv"]])
    try run.plugin.start()
    #expect(Deadline.until { run.plugin.health != .good })
    guard case .failing(let text) = run.plugin.health else {
        Issue.record("health is \(run.plugin.health)")
        return
    }
    #expect(text.contains("/nowhere/in.csv"))
    run.plugin.drain(within: .seconds(1))
    run.plugin.stop()
}

@Test func outputThatCannotBeWrittenDegradesThePlugin() throws {
    let run = try PluginRun([
        "source": ["period": "10ms"], "window": ["size": "50ms"], "watermark": "0s",
        "output": "/dev/full",
    ])
    try run.plugin.start()
    #expect(Deadline.until { run.plugin.health != .good })
    guard case .degraded(let text) = run.plugin.health else {
        Issue.record("health is \(run.plugin.health)")
        return
    }
    #expect(text.contains("ENOSPC"))
    run.plugin.drain(within: .seconds(1))
    run.plugin.stop()
}

@Test func wrongConfigurationIsAConfigurationError() throws {
    do {
        _ = try PluginRun(["source": ["kind": "x"]])
        Issue.record("the configuration was taken")
    } catch let error as PluginError {
        #expect(error.kind == .configuration)
        #expect(error.description.hasPrefix("source.kind: expected one of"))
    }
}

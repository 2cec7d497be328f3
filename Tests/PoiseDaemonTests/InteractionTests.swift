import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// A choice of the four seed features, one bit each.
struct Combination: Sendable, CustomStringConvertible {
    static let all = (0..<16).map(Combination.init)
    static let names = ["streaming", "nas", "twin", "fusion"]
    /// Always there, and not to notice anything.
    static let base = "base"

    var bits: Int

    var chosen: [String] {
        Combination.names.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)
    }

    var description: String { chosen.isEmpty ? "none" : chosen.joined(separator: "+") }

    /// The policy of just these; plugins that are not there yet are stood in for by others with
    /// loads of the same kind: `nas` has several workers that do little, `twin` one that works half
    /// of the time in long stretches, `fusion` short bursts often.
    func policy(plugins: String) -> String {
        let stand = "plugin: \(plugins)/libstandin.so"
        let features = [
            "streaming": (
                "plugin: streaming", 80,
                "{ source: { kind: system, rate: 2000 }, window: { kind: tumbling, size: 1s }, "
                    + "output: none }"
            ),
            "nas": (stand, 20, "{ threads: 4, busy: 20, period: 50, memory: 8 }"),
            "twin": (stand, 60, "{ threads: 1, busy: 500, period: 200, memory: 16 }"),
            "fusion": (stand, 70, "{ threads: 2, busy: 200, period: 5, memory: 2 }"),
        ]
        var text = """
            version: 1
            name: matrix
            reserve: { cores: 0.1 }
            features:
              \(Combination.base):
                command: ["sleep", "infinity"]
                cores: { performance: 0.1, sharing: shared }

            """
        for name in chosen {
            guard let (source, priority, config) = features[name] else { continue }
            text += """
                  \(name):
                    \(source)
                    priority: \(priority)
                    cores: { performance: { min: 0.2, want: 0.5, max: 1 }, sharing: shared }
                    config: \(config)

                """
        }
        return text
    }
}

/// Every combination of the seed features runs, gives way to every other, and stops in order.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct InteractionTests {
    private func start(_ combination: Combination) throws -> DaemonUnderTest {
        let policy = combination.policy(plugins: try CataloguePlugins.folder.get())
        return try DaemonUnderTest(policy, ["--plugin-dir", Repository.programs])
    }

    private func statuses(_ daemon: DaemonUnderTest) throws -> [String: JSON] {
        let features = try daemon.call(.status).parameters["features"]?.array ?? []
        return Dictionary(
            features.map { ($0["feature"]?.string ?? "", $0) }, uniquingKeysWith: { $1 })
    }

    /// Waits until just these run, each with what it is promised, and gives their processes.
    private func settle(
        _ daemon: DaemonUnderTest, _ combination: Combination
    ) throws -> [String: ProcessID] {
        let wanted = Set(combination.chosen + [Combination.base])
        var pids: [String: ProcessID] = [:]
        try daemon.wait("just \(combination) runs") {
            let all = try statuses(daemon)
            guard Set(all.keys) == wanted,
                all.values.allSatisfy({ $0["state"] == "running" && $0["restarts"] == 0 })
            else { return false }
            pids = all.compactMapValues { $0["pid"]?.integer.map { ProcessID($0) } }
            return pids.count == wanted.count
        }
        for name in combination.chosen {
            let has = try daemon.allocation(name)?["millicores"]?.integer ?? 0
            #expect(has >= 200, "\(name) of \(combination) has \(has) millicores")
        }
        return pids
    }

    private func expectOrder(_ daemon: DaemonUnderTest) {
        for word in [": late: ", ": forced: ", ": failed: ", ": refused: ", ": keptOut: "] {
            #expect(!daemon.log.contains(word), "\(daemon.log)")
        }
    }

    @Test("a combination runs and stops in order", arguments: Combination.all)
    func runsAndStops(combination: Combination) throws {
        let daemon = try start(combination)
        let pids = try settle(daemon, combination)
        #expect(try daemon.stop() == .exited(code: 0))
        for (name, pid) in pids {
            #expect(kill(pid, 0) != 0, "\(name) is still there")
            guard name != Combination.base else { continue }
            #expect(daemon.log.contains("\(name): stopped: exit code 0"))
        }
        expectOrder(daemon)
    }

    @Test("one daemon goes through all combinations, one feature at a time and in jumps")
    func switching() throws {
        var generator = SplitMix64(seed: 5)
        let gray = (1..<16).map { Combination(bits: $0 ^ $0 >> 1) }
        let jumps = (0..<12).map { _ in Combination(bits: Int.random(in: 0..<16, using: &generator))
        }
        let daemon = try start(Combination(bits: 0))
        var pids = try settle(daemon, Combination(bits: 0))
        var stops: [String: Int] = [:]
        for combination in gray + jumps {
            let policy = combination.policy(plugins: try CataloguePlugins.folder.get())
            let reply = try daemon.call(
                .policyApply, ["path": .string(daemon.policyPath), "text": .string(policy)])
            try #require(reply.parameters["applied"] == true, "\(reply)")
            let next = try settle(daemon, combination)
            for (name, pid) in pids where next[name] == nil {
                #expect(kill(pid, 0) != 0, "\(name) is still there")
                stops[name, default: 0] += 1
            }
            // Who stays is left alone.
            for (name, pid) in pids where next[name] != nil { #expect(next[name] == pid) }
            pids = next
        }
        #expect(try daemon.stop() == .exited(code: 0))
        for name in pids.keys where name != Combination.base { stops[name, default: 0] += 1 }
        for (name, count) in stops {
            let said = daemon.log.split(separator: "\n").count {
                $0.contains("\(name): stopped: exit code 0")
            }
            #expect(said == count, "\(name) stopped in order \(said) of \(count) times")
        }
        expectOrder(daemon)
    }
}

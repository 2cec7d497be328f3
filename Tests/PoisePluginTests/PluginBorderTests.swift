import PluginABI
import PoisePlugin
import Synchronization
import Testing

/// Calls a Swift plugin through its C table, as a host does.
@Suite struct PluginBorderTests {
    final class Tried: Plugin {
        static let name = "tried"
        static let version = "0.9"
        static let seen = Mutex<[String]>([])

        private let host: Host
        private let refuses: Bool

        init(host: Host, config: JSON) throws(PluginError) {
            guard let mode = config["mode"]?.string else {
                throw .configuration("config.mode is missing")
            }
            refuses = mode == "refuse"
            self.host = host
            host.log(.warning, "made", ["b": "2", "a": host.feature])
            host.need(millicores: 1500, of: .lowPower, for: .milliseconds(2500))
        }

        func start() throws(PluginError) {
            if refuses { throw .environment("nobody is there") }
            host.event("open", ["folder": host.stateFolder])
        }

        func apply(_ allocation: Allocation) {
            let text = "\(allocation.generation) \(allocation.exclusive) \(allocation.cores) "
            let parts = allocation.accelerators.map(\.id)
            tell(
                text
                    + "\(allocation.exclusive(.efficiency)) \(parts) "
                    + "\(allocation.memoryMaxBytes ?? -1)"
            )
        }

        func serviceLevel(_ level: ServiceLevel) { tell("at \(level)") }
        func shrink(by bytes: Int) { tell("less by \(bytes)") }
        func stop() { tell("stop \(host.allocation.generation)") }
        var health: Health { .degraded("slow") }

        func report() -> Report {
            var report = Report()
            report.latencyP50 = .milliseconds(250)
            report.gauges = (0..<40).map { ("gauge\($0)", Double($0)) }
            return report
        }

        private func tell(_ text: String) { Tried.seen.withLock { $0.append(text) } }
    }

    private static let heard = Mutex<[String]>([])

    private static func hostTable() -> poise_host_functions {
        var table = poise_host_functions()
        table.size = UInt32(MemoryLayout<poise_host_functions>.size)
        table.abi = UInt32(POISE_PLUGIN_ABI)
        table.log = { _, level, text, fields, count in
            let all = (0..<Int(count)).compactMap { index in
                fields.map {
                    String(cString: $0[index].key) + "=" + String(cString: $0[index].value)
                }
            }
            let line = text.map { String(cString: $0) } ?? ""
            PluginBorderTests.heard.withLock { $0.append("log \(level) \(line) \(all)") }
        }
        table.event = { _, name, _, count in
            let name = name.map { String(cString: $0) } ?? ""
            PluginBorderTests.heard.withLock { $0.append("event \(name) \(count)") }
        }
        table.need = { _, coreClass, millicores, time in
            PluginBorderTests.heard.withLock {
                $0.append("need \(coreClass) \(millicores) \(time)")
            }
        }
        return table
    }

    /// What `create` answered, the text it gave, and the instance.
    private func create(
        _ config: String
    ) throws -> (Int32, String, UnsafeMutableRawPointer?, poise_plugin_functions) {
        let table = try #require(PluginEntry<Tried>.table(0x0001_0005)).pointee
        let host = UnsafeMutablePointer<poise_host_functions>.allocate(capacity: 1)
        host.initialize(to: Self.hostTable())
        var allocation = poise_allocation()
        allocation.size = UInt32(MemoryLayout<poise_allocation>.size)
        var instance: UnsafeMutableRawPointer?
        let (code, text) = asking { why in
            config.withCString { text in
                "feature".withCString { feature in
                    "/folder".withCString { folder in
                        withUnsafePointer(to: &allocation) { allocation in
                            var creation = poise_creation()
                            creation.config_length = UInt32(config.utf8.count)
                            creation.host = UnsafePointer(host)
                            creation.feature = feature
                            creation.state_folder = folder
                            creation.config = text
                            creation.allocation = allocation
                            return table.create(table.context, &creation, &instance, why)
                        }
                    }
                }
            }
        }
        return (code, text, instance, table)
    }

    private func asking(
        room: Int = 64, _ ask: (UnsafeMutablePointer<poise_text>) -> Int32
    ) -> (Int32, String) {
        var bytes = [CChar](repeating: 0, count: room)
        let code = bytes.withUnsafeMutableBufferPointer { buffer in
            var text = poise_text()
            text.capacity = UInt32(room)
            text.bytes = buffer.baseAddress
            return ask(&text)
        }
        return (code, String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
    }

    @Test func theTableTellsWhoItIs() throws {
        let table = try #require(PluginEntry<Tried>.table(0x0001_0000)).pointee
        #expect(table.size == UInt32(MemoryLayout<poise_plugin_functions>.size))
        #expect(table.name.map { String(cString: $0) } == "tried")
        #expect(table.version.map { String(cString: $0) } == "0.9")
        #expect(PluginEntry<Tried>.abi == 0x10002)
        #expect(PluginEntry<Tried>.table(0x0002_0000) == nil)
    }

    @Test(arguments: [
        ("{}", POISE_CONFIGURATION, "config.mode is missing"),
        ("{", POISE_CONFIGURATION, "reading the configuration failed"),
    ])
    func aConfigurationThatIsRefusedSaysWhy(config: String, code: Int32, part: String) throws {
        let (answer, text, instance, _) = try create(config)
        #expect(answer == code)
        #expect(text.hasPrefix(part))
        #expect(instance == nil)
    }

    @Test func aStartThatFailsOutsideSaysWhyAndIsCutToTheRoom() throws {
        let (code, _, instance, table) = try create(#"{"mode":"refuse"}"#)
        #expect(code == POISE_DONE)
        #expect(asking { table.start(instance, $0) } == (POISE_ENVIRONMENT, "nobody is there"))
        #expect(asking(room: 7) { table.start(instance, $0) } == (POISE_ENVIRONMENT, "nobody"))
        table.stop(instance)
    }

    @Test func aLifeCrossesTheBorderBothWays() throws {
        let (code, _, instance, table) = try create(#"{"mode":"live"}"#)
        #expect(code == POISE_DONE)
        #expect(asking { table.start(instance, $0) }.0 == POISE_DONE)
        let heard = Self.heard.withLock { $0 }
        for line in [
            #"log 2 made ["a=feature", "b=2"]"#, "need 2 1500 2500", "event open 1",
        ] { #expect(heard.contains(line)) }
        apply(table, instance)
        #expect(asking { table.healthy(instance, $0) } == (POISE_DEGRADED, "slow"))
        let sampled = sample(table, instance)
        #expect(sampled == ["gauge0", "gauge1", "gauge2"])
        // The last number is none of this header's.
        for number in [POISE_FULL, POISE_REDUCED, POISE_ESSENTIAL, POISE_EMERGENCY, 4] {
            table.service_level(instance, number)
        }
        table.shrink(instance, .max)
        table.drain(instance, .max)
        table.stop(instance)
        let seen = Tried.seen.withLock { $0 }
        #expect(seen.contains("8 0-1,65 [0-1] 0-1 [\"gpu0\"] -1"))
        #expect(seen.contains("stop 8"))
        #expect(
            seen.filter { $0.hasPrefix("at ") }
                == ["at full", "at reduced", "at essential", "at emergency"])
        #expect(seen.contains("less by \(Int.max)"))
    }

    private func apply(_ table: poise_plugin_functions, _ instance: UnsafeMutableRawPointer?) {
        let words: [UInt64] = [0b11, 0b10]
        words.withUnsafeBufferPointer { words in
            "gpu0".withCString { id in
                let all = poise_cpus(words: words.baseAddress, count: 2, reserved: 0)
                let one = poise_cpus(words: words.baseAddress, count: 1, reserved: 0)
                let core = poise_core(cpus: one, core_class: 1, reserved: 0)
                let part = poise_accelerator(id: id, bytes: 1, share_percent: -1, reserved: 0)
                withUnsafePointer(to: core) { core in
                    withUnsafePointer(to: part) { part in
                        var given = poise_allocation()
                        given.generation = 8
                        given.exclusive = all
                        given.cores = core
                        given.core_count = 1
                        given.core_size = UInt32(MemoryLayout<poise_core>.stride)
                        given.accelerators = part
                        given.accelerator_count = 1
                        given.accelerator_size = UInt32(MemoryLayout<poise_accelerator>.stride)
                        given.memory_max_bytes = .max
                        table.apply(instance, &given)
                    }
                }
            }
        }
    }

    /// The names of the gauges, of which there is room for three.
    private func sample(
        _ table: poise_plugin_functions, _ instance: UnsafeMutableRawPointer?
    ) -> [String] {
        var gauges = [poise_gauge](repeating: poise_gauge(), count: 3)
        var report = poise_report()
        report.utilisation = .nan
        report.gauge_capacity = 3
        gauges.withUnsafeMutableBufferPointer { buffer in
            report.gauges = buffer.baseAddress
            table.sample(instance, &report)
        }
        #expect(report.utilisation.isNaN)
        #expect(report.latency_p50_seconds == 0.25)
        return gauges.prefix(Int(report.gauge_count)).map { gauge in
            withUnsafeBytes(of: gauge.name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
    }
}

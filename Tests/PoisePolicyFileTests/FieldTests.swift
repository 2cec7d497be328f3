import PoiseModel
import PoisePolicyFile
import Testing

@Suite("A policy takes every value of its file")
struct FieldTests {
    @Test func everyKeyReachesTheModel() throws {
        let policy = try Policy.parse(Array(Self.everyKey.utf8), name: "p")
        #expect(policy.name == "all")
        #expect(
            policy.reserve
                == Reserve(millicores: 1500, memoryBytes: 2 << 30, coreClass: .efficiency))
        #expect(
            policy.rebalance
                == Rebalance(
                    every: .milliseconds(250), deadbandPercent: 10, growAtOnce: false,
                    shrinkAfter: .seconds(60)))
        #expect(
            policy.levels == [
                .reduced: LevelTrigger(cpuPressurePercent: 60),
                .essential: LevelTrigger(memoryPressurePercent: 40),
                .emergency: LevelTrigger(openBreakers: 3, temperatureCelsius: 95),
            ])
        #expect(policy.features.map(\.id.name) == ["a", "b", "c"])
        let expected = try Self.expected()
        #expect(policy.features[0] == expected)
        #expect(policy.features[1].source == .command(["sleep", "60", ""]))
        #expect(policy.features[2].source == .unit("nginx.service"))
    }

    @Test(arguments: [
        ("true", ForecastSetting()), ("false", nil),
        ("{ season: 168h }", ForecastSetting(season: .seconds(604_800))),
        ("{ season: 10m, step: 5s }", ForecastSetting(season: .seconds(600), step: .seconds(5))),
    ])
    func `a forecast has a season and a step, or is off`(
        text: String, expected: ForecastSetting?
    ) throws {
        let file = """
            version: 1
            name: f
            reserve: { cores: 1 }
            rebalance: { forecast: \(text) }
            features: { a: { plugin: x, cores: { performance: 1 } } }
            """
        #expect(try Policy.parse(Array(file.utf8), name: "p").rebalance.forecast == expected)
    }

    private static func expected() throws -> FeaturePolicy {
        var cores = PerClass<CoreWish?>(repeating: nil)
        cores.performance = CoreWish(min: 1000, want: 3000, max: 4000)
        cores.efficiency = CoreWish(min: 2000, want: 2000, max: 2000, fallback: .none)
        cores.lowPower = CoreWish(min: 1000, want: 1000, max: 1000)
        var feature = FeaturePolicy(
            id: try #require(FeatureID("a")), source: .plugin("./x.so"), priority: 80,
            level: .essential, cores: cores, sharing: .exclusive, shortage: .start, weight: 200,
            memory: MemoryWish(min: 512 << 20, want: 4 << 30, max: 8 << 30, locality: .strict))
        feature.gpuBytes = 1_000_000_000
        feature.npuPercent = 25
        feature.ioWeight = 300
        feature.lend = false
        feature.borrow = false
        feature.restart = .transient
        feature.breaker = BreakerPolicy(
            failures: 3, within: .seconds(30), open: .milliseconds(500), openMax: .seconds(3600),
            halfOpenBudgetPercent: 50)
        feature.slo = ServiceObjective(latencyP99: .microseconds(50), errorRatePercent: 1)
        feature.config = .object([
            .init("z", .array([.integer(-1), .number(0.5), .null, .bool(true), .string("no")])),
            .init("1", .object([.init("hex", .integer(255)), .init("text", .string("7"))])),
        ])
        return feature
    }

    private static let everyKey = """
        %YAML 1.2
        ---
        version: 1
        name: all
        reserve: { cores: 1.5, memory: 2GiB, class: efficiency }
        features:
          c: { unit: nginx.service, memory: { max: 1GiB } }
          b: { command: [sleep, "60", ""], cores: { performance: &one 1 } }
          a:
            plugin: ./x.so
            priority: 80
            level: essential
            cores:
              performance: { min: 1, want: 3, max: 4 }
              efficiency: { min: 2, fallback: none }
              lowPower: *one
              sharing: exclusive
              weight: 200
            memory: { min: 512MiB, want: 4GiB, max: 8GiB, locality: strict }
            gpu: { memory: 1GB }
            npu: { share: 25% }
            io: { weight: 300 }
            ifUnmet: start
            lend: false
            borrow: false
            restart: transient
            breaker: { failures: 3, within: 30s, open: 500ms, openMax: 1h, halfOpenBudget: 50% }
            slo: { latencyP99: 50us, errorRate: 1% }
            config: { z: [-1, 0.5, ~, true, "no"], 1: { hex: 0xFF, text: "7" } }
        rebalance: { every: 250ms, deadband: 10%, growAtOnce: false, shrinkAfter: 1m }
        levels:
          reduced: { cpuPressure: 60% }
          essential: { memoryPressure: 40% }
          emergency: { openBreakers: 3, temperature: 95 }
        """

    @Test(arguments: [
        ("2", 2000, 2000, 2000), ("{ min: 1 }", 1000, 1000, 1000), ("{ want: 1 }", 0, 1000, 1000),
        ("{ max: 2 }", 0, 0, 2000), ("{ min: 1, max: 2 }", 1000, 1000, 2000),
        ("{ want: 1, max: 2 }", 0, 1000, 2000),
    ])
    func whatAWishLeavesOutFollows(_ wish: String, _ min: Int, _ want: Int, _ max: Int) throws {
        let text = policy(feature: "    cores: { performance: \(wish) }")
        let read = try Policy.parse(Array(text.utf8), name: "p").features[0]
        #expect(read.cores.performance == CoreWish(min: min, want: want, max: max))
    }

    @Test func memoryWithoutAMaxHasNoLimit() throws {
        let text = policy(feature: "    memory: { want: 1GiB }")
        let read = try Policy.parse(Array(text.utf8), name: "p").features[0]
        #expect(read.memory == MemoryWish(min: 0, want: 1 << 30, max: nil))
    }

    @Test(arguments: [
        ("1", JSON.integer(1)), ("+7", .integer(7)), ("0o17", .integer(15)), ("1.", .number(1)),
        (".5", .number(0.5)), ("-.5e-1", .number(-0.05)), ("1E3", .number(1000)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("0x", .string("0x")),
        ("1e", .string("1e")), ("1_000", .string("1_000")), (".", .string(".")),
        ("0x-1", .string("0x-1")), ("1.2.3", .string("1.2.3")),
        ("NULL", .null), ("True", .bool(true)), ("tRUE", .string("tRUE")), ("2s", .string("2s")),
        ("'1'", .string("1")), ("\"true\"", .string("true")),
    ])
    func configIsTypedByTheCoreSchema(_ text: String, _ value: JSON) throws {
        let yaml = policy(feature: "    memory: 1MiB\n    config:\n      x: \(text)")
        let read = try Policy.parse(Array(yaml.utf8), name: "p").features[0]
        #expect(read.config["x"] == value)
    }
}

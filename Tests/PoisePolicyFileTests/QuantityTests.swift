import PoiseModel
import PoisePolicyFile
import Testing

@Suite("Quantities are exact")
struct QuantityTests {
    private func cores(_ text: String) throws(PolicyError) -> Int? {
        let yaml = policy(feature: "    cores: { performance: { max: \(text) } }")
        return try Policy.parse(Array(yaml.utf8), name: "p").features[0].cores.performance?.max
    }

    private func memory(_ text: String) throws(PolicyError) -> Int {
        let yaml = policy(feature: "    cores: { performance: 1 }\n    memory: { want: \(text) }")
        return try Policy.parse(Array(yaml.utf8), name: "p").features[0].memory.want
    }

    private func duration(_ text: String) throws(PolicyError) -> Duration {
        let yaml = policy(top: "rebalance: { shrinkAfter: \(text) }")
        return try Policy.parse(Array(yaml.utf8), name: "p").rebalance.shrinkAfter
    }

    @Test func coresOfEverySpellingRoundTrip() throws {
        var numbers = SeededNumbers(state: 1)
        for _ in 0..<300 {
            let millicores = Int.random(in: 1...2_000_000, using: &numbers)
            let thousandths = String(String(1000 + millicores % 1000).dropFirst())
            #expect(try cores("\(millicores)m") == millicores)
            #expect(try cores("\(millicores / 1000).\(thousandths)") == millicores)
            let whole = millicores % 1_048_577
            #expect(try cores("\(whole)") == whole * 1000)
        }
    }

    @Test func memoryOfEveryUnitRoundTrips() throws {
        var numbers = SeededNumbers(state: 2)
        let units = [
            ("B", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", 1 << 10),
            ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("TB", 1_000_000_000_000),
        ]
        for (unit, factor) in units {
            for _ in 0..<20 {
                let count = Int.random(in: 1...(1 << 52) / factor, using: &numbers)
                #expect(try memory("\(count)\(unit)") == count * factor)
            }
        }
    }

    @Test func durationsOfEveryUnitRoundTrip() throws {
        var numbers = SeededNumbers(state: 3)
        let units = [
            ("us", Duration.microseconds(1)), ("ms", .milliseconds(1)), ("s", .seconds(1)),
            ("m", .seconds(60)), ("h", .seconds(3600)),
        ]
        for (unit, one) in units {
            for _ in 0..<20 {
                let count = Int.random(in: 0...8760, using: &numbers)
                #expect(try duration("\(count)\(unit)") == one * count)
            }
        }
        #expect(try duration("0") == .zero)
    }

    @Test(arguments: [
        "0.1234", "1.", ".5", "-1", "+1", "0.5m", "1e3", "٣", "1,5", "m", "''", "1048577",
        "99999999999999999999", "9223372036854775807", "1 m", "0x10", "[1]", "~", "1_000",
    ])
    func noOtherTextIsANumberOfCores(_ text: String) {
        #expect(throws: PolicyError.self) { try cores(text) }
    }

    @Test(arguments: [
        "1", "4097TiB", "9223372036854775807TiB", "1mib", "1 MiB", "1M", "-1MiB", "0.5GiB",
    ])
    func noOtherTextIsAnAmountOfMemory(_ text: String) {
        #expect(throws: PolicyError.self) { try memory(text) }
    }

    @Test(arguments: ["1", "1d", "8761h", "1.5s", "1min", "-1s", "999999999999999999999s"])
    func noOtherTextIsADuration(_ text: String) {
        #expect(throws: PolicyError.self) { try duration(text) }
    }
}

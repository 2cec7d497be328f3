import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct CodingTests {
    private struct Mixed: Codable, Equatable {
        enum Kind: Codable, Equatable { case plain, of(Int, name: String) }

        var kinds: [Kind] = [.plain, .of(-3, name: "x")]
        var byClass: [CoreClass: Int] = [.lowPower: 1, .efficiency: 2]
        var perClass = PerClass<Int?>(repeating: nil)
        var set: Set<String> = ["b", "a", "c"]
        var text = "\"\\\n\u{1F600}\u{301}"
        var short: Duration = .nanoseconds(-5)
        var shorter = Duration(secondsComponent: 1, attosecondsComponent: 1)
        var config: JSON = .object([.init("z", 1), .init("a", .number(1))])
        var small: UInt8 = 255
        var float: Float = 0.1
        var nothing: Int?
        var hugePages: [HugePageSize: Int] = [.oneGiB: 5]
    }

    @Test func `values come back as they went`() throws {
        let value = Mixed()
        let json = try JSONEncoding.encode(value)
        #expect(try JSONDecoding.decode(Mixed.self, from: json) == value)
        #expect(
            json.description.hasPrefix(
                #"{"byClass":{"efficiency":2,"lowPower":1},"config":{"z":1,"a":1.0},"float":"#))
        #expect(json["set"] == ["a", "b", "c"])
        #expect(json["short"] == -5)
        #expect(json["perClass"] == [nil, nil, nil])
        #expect(json["hugePages"] == ["1GiB": 5])
    }

    @Test func `doubles come back to the bit`() throws {
        var random = SeededGenerator(seed: 1)
        var values = [0.0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, 1e300, 0.1, 1e16]
        while values.count < 2000 {
            let value = Double(bitPattern: random.next())
            if !value.isNaN { values.append(value) }
        }
        let json = try JSONEncoding.encode(values)
        let back = try JSONDecoding.decode([Double].self, from: json)
        #expect(back.map(\.bitPattern) == values.map(\.bitPattern))
        let nan = try JSONDecoding.decode(Double.self, from: JSONEncoding.encode(Double.nan))
        #expect(nan.isNaN)
    }

    @Test func `what has no order in JSON is refused`() {
        #expect(throws: CodingProblem.self) { try JSONEncoding.encode([1.5: 2]) }
        #expect(throws: CodingProblem.self) { try JSONEncoding.encode(UInt64.max) }
    }

    @Test func `errors name the place`() throws {
        var json = try JSONEncoding.encode(Mixed())
        guard case .object(var members) = json,
            let place = members.firstIndex(where: { $0.key == "kinds" })
        else { return }
        members[place].value = [["of": ["_0": 1, "name": 5]]]
        json = .object(members)
        let problem = #expect(throws: CodingProblem.self) {
            try JSONDecoding.decode(Mixed.self, from: json)
        }
        #expect(problem?.description == "kinds[0].of.name: 5 is not a text")
    }

    /// Every field gets a number of its own; one that was forgotten would come back as nil.
    @Test func `no field of a look at the load is left out`() throws {
        var reading = LoadReading(microseconds: 1)
        reading.usedMillicores = 2
        reading.waitingMillicores = 3
        reading.cpuPressurePerMille = 4
        reading.memoryPressurePerMille = 5
        reading.ioPressurePerMille = 6
        reading.throttledPerMille = 7
        reading.memoryBytes = 8
        reading.remoteBytes = 9
        reading.utilisationPerMille = 10
        reading.queueDepth = 11
        reading.latencyP99Microseconds = 12
        reading.memoryLimitHits = 13
        reading.ioBytesPerSecond = 14
        reading.errorsPerMille = 15
        reading.throughputPerSecond = 16
        reading.memoryFullPerMille = 17
        let json = try JSONEncoding.encode(reading)
        #expect(json.array?.count == Mirror(reflecting: reading).children.count)
        #expect(try JSONDecoding.decode(LoadReading.self, from: json) == reading)
        let short = try JSONEncoding.encode(LoadReading(microseconds: 7))
        #expect(short == [7])
        var load = MachineLoad()
        load.ioPressurePerMille = 3
        load.temperatureMillicelsius = 4
        let machine = try JSONEncoding.encode(load)
        #expect(machine.array?.count == Mirror(reflecting: load).children.count)
        #expect(try JSONDecoding.decode(MachineLoad.self, from: machine) == load)
    }
}

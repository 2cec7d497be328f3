import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct IndexSetTests {
    @Test(arguments: [
        ("", []), ("0", [0]), ("0-3,8", [0, 1, 2, 3, 8]), ("63-64", [63, 64]), ("5\n", [5]),
        ("1,0", [0, 1]), ("200", [200]),
    ])
    func theKernelsListFormIsRead(text: String, indexes: [Int]) throws {
        let set = try #require(CPUSet(text))
        #expect(Array(set) == indexes)
    }

    @Test(arguments: ["-", "3-1", "a", "1,,2", "1-", "-1", " 1", "1 ", "99999999999", "1-2-3", "٣"])
    func whatIsNoListIsRefused(text: String) {
        #expect(CPUSet(text) == nil)
    }

    @Test func aHoleIsKept() {
        #expect(CPUSet([0, 1, 3, 64, 65, 66, 128]).description == "0-1,3,64-66,128")
    }

    @Test(arguments: Array(UInt64(0)..<20)) func setsBehaveAsSetsOfIntegers(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let left = Set((0..<20).map { _ in Int.random(in: 0..<150, using: &random) })
            let right = Set((0..<20).map { _ in Int.random(in: 0..<150, using: &random) })
            let (a, b) = (CPUSet(left), CPUSet(right))
            #expect(Set(a.union(b)) == left.union(right))
            #expect(Set(a.intersection(b)) == left.intersection(right))
            #expect(Set(a.subtracting(b)) == left.subtracting(right))
            #expect(a.isDisjoint(with: b) == left.isDisjoint(with: right))
            #expect(a.intersection(b).isSubset(of: a))
            #expect(a.isSubset(of: b) == left.isSubset(of: right))
            #expect(a.count == left.count && a.first == left.min() && a.last == left.max())
            #expect(CPUSet(a.description) == a)
            // Equal sets are equal values, however they came about.
            var emptied = a
            for index in left { emptied.remove(index) }
            #expect(emptied == CPUSet() && emptied.isEmpty)
        }
    }
}

@Suite struct QuantityTextTests {
    @Test(arguments: [
        (0, "0"), (250, "0.25"), (1000, "1"), (1500, "1.5"), (-500, "-0.5"), (1, "0.001"),
    ])
    func coresAreWrittenExactly(millicores: Int, text: String) {
        #expect(QuantityText.cores(millicores) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1 << 20, "1 MiB"), (3 << 29, "1.5 GiB"),
        (64 << 30, "64 GiB"),
    ])
    func bytesAreWrittenShort(bytes: Int, text: String) {
        #expect(QuantityText.bytes(bytes) == text)
    }

    @Test(arguments: [
        (Duration.zero, "0 s"), (.microseconds(850), "850 µs"), (.milliseconds(12), "12 ms"),
        (.milliseconds(200), "200 ms"), (.seconds(3), "3 s"), (.seconds(600), "10 min"),
    ])
    func durationsKeepAShortUnit(duration: Duration, text: String) {
        #expect(QuantityText.duration(duration) == text)
    }

    @Test(arguments: [(1.0, 2, "1"), (0.05, 2, "0.05"), (-0.5, 1, "-0.5"), (2.675, 1, "2.7")])
    func decimalsDropWhatSaysNothing(value: Double, digits: Int, text: String) {
        #expect(QuantityText.decimal(value, digits: digits) == text)
    }
}

@Suite struct DemandTests {
    private func demand(_ millicores: Int?) -> Demand {
        var demand = Demand()
        demand.wanted.performance = millicores
        return demand
    }

    @Test(arguments: [(1050, 1000), (950, 1000), (1051, 1051), (949, 949)])
    func onlyWhatPassesTheDeadbandChanges(wanted: Int, expected: Int) {
        let held = demand(wanted).held(to: demand(1000), deadbandPercent: 5)
        #expect(held.wanted.performance == expected)
    }

    @Test func anUnknownDemandIsNoChange() {
        #expect(demand(nil).held(to: demand(1000), deadbandPercent: 5) == demand(nil))
        #expect(demand(7).held(to: demand(nil), deadbandPercent: 5) == demand(7))
    }
}

@Suite struct JSONValueTests {
    @Test func objectsKeepTheirOrderAndTextsAreEscaped() {
        let value: JSON = ["b": 1, "a": ["x\"\u{1}\n", 1.5, nil, true]]
        #expect(value.description == "{\"b\":1,\"a\":[\"x\\\"\\u0001\\n\",1.5,null,true]}")
        #expect(value["a"]?.array?.count == 4)
        #expect(JSON(Double.nan) == .null)
    }
}

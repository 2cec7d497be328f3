import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@Suite struct JSONTextTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", "[1,-2,3.5,\"a\\nb\"]", "{\"b\":1,\"a\":{\"c\":[null]}}",
        "9223372036854775807",
    ])
    func whatIsReadIsWrittenTheSame(text: String) throws {
        #expect(try JSON.parse(text).description == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "[1] 2", "nul", "\"\u{1}\"", "99999999999999999999",
        "{\"a\"}", "\u{0}",
    ])
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSON.parse(text) }
    }

    @Test func deepNestingIsRefusedWithItsPlace() {
        let text = "{\n\"a\":" + String(repeating: "[", count: 100_000)
        #expect(throws: JSONError(line: 2, column: 68, text: "nested deeper than 64")) {
            try JSON.parse(text)
        }
    }

    @Test(arguments: Array(UInt64(0)..<20)) func randomBytesNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("{}[]\",:0123456789.eE+-truefalsn\\u \n".utf8) + [0, 0xff, 0xc3]
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            guard let value = try? JSON.parse(bytes) else { continue }
            #expect((try? JSON.parse(value.description)) == value)
        }
    }
}

@Suite struct MessageSplitterTests {
    @Test func messagesAreCutAtZeroBytesWhereverTheReadsEnd() throws {
        var splitter = MessageSplitter()
        #expect(try splitter.add(Array("ab".utf8)) == [])
        #expect(try splitter.add([0] + Array("c".utf8) + [0, 0]) == [Array("ab".utf8), [99], []])
    }

    @Test func aMessageWithoutEndIsRefused() {
        var splitter = MessageSplitter()
        let flood = [UInt8](repeating: 65, count: MessageSplitter.longest + 1)
        #expect(throws: WireError.self) { try splitter.add(flood) }
    }
}

@Suite struct PlanDocumentTests {
    @Test func aPlanSurvivesTheWayThroughItsDocument() throws {
        guard let a = FeatureID("a") else { preconditionFailure("a") }
        let allocation = ResourceAllocation(
            feature: a, priority: 7, level: .essential, exclusive: [0, 1], shared: [4],
            cores: PerClass(repeating: 1), millicores: PerClass(repeating: 1500),
            wanted: PerClass(repeating: 2000), weight: 50, nodes: [0],
            memory: MemoryBudget(lowBytes: 1, highBytes: 2, maxBytes: 3),
            accelerators: [AcceleratorShare(id: "gpu0", bytes: 5, sharePercent: nil)],
            because: "for a reason")
        let plan = AllocationPlan(
            machine: "m", policy: "p", reserved: [7], idle: [8], reservedMillicores: 250,
            features: [allocation])
        let text = plan.json(holding: .none, solveMicroseconds: 3).pretty
        #expect(try AllocationPlan(json: JSON.parse(text)) == plan)
    }

    @Test(arguments: [
        "{}", "{\"features\":[{}]}", "{\"features\":[{\"feature\":\"a\",\"exclusive\":\"x\"}]}",
        "{\"features\":[{\"feature\":\"a\",\"cores\":{\"performance\":-1}}]}",
    ])
    func aDocumentThatIsNoPlanIsRefused(text: String) {
        #expect(throws: (any Error).self) { try AllocationPlan(json: JSON.parse(text)) }
    }

    @Test func aDemandCountsCores() throws {
        let demands = try Demand.read(JSON.parse("{\"a\":{\"performance\":2.5}}"))
        #expect(FeatureID("a").flatMap { demands[$0]?.wanted.performance } == 2500)
        #expect(throws: (any Error).self) { try Demand.read(JSON.parse("{\"a\":{\"fast\":1}}")) }
    }
}

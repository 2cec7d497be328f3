import PoiseHardware
import PoiseModel
import Testing

struct ClassCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var kinds: [CPUKind]
    var withL3: CPUSet = []
    /// PUs by class, most capable first.
    var classes: [String]
}

private func kind(_ pus: CPUSet, mhz: Int? = nil, type: String? = nil) -> CPUKind {
    CPUKind(pus: pus, maxMHz: mhz, coreType: type)
}

private func capacities(_ values: Int...) -> [CPUKind] {
    values.enumerated().map { CPUKind(pus: [$0.offset], rank: $0.offset, capacity: $0.element) }
}

private let classCases: [ClassCase] = [
    ClassCase(testDescription: "no kinds: nobody is told apart", kinds: [], classes: ["", "", ""]),
    ClassCase(
        testDescription: "one kind is performance", kinds: capacities(1024),
        classes: ["0", "", ""]),
    ClassCase(
        testDescription: "five capacities in two heaps are two classes",
        kinds: capacities(718, 731, 997, 1017, 1024), classes: ["2-4", "0-1", ""]),
    ClassCase(
        testDescription: "big, middle and little are three",
        kinds: capacities(250, 760, 1024), classes: ["2", "1", "0"]),
    ClassCase(
        testDescription: "of four the nearest two merge",
        kinds: capacities(250, 700, 800, 1024), classes: ["3", "1-2", "0"]),
    ClassCase(
        testDescription: "of four equally far the lower two merge",
        kinds: capacities(125, 250, 500, 1000), classes: ["3", "2", "0-1"]),
    ClassCase(
        testDescription: "a staircase of turbo bins is one class",
        kinds: capacities(800, 850, 910, 980, 1024), classes: ["0-4", "", ""]),
    ClassCase(
        testDescription: "exactly 10 % apart is not near",
        kinds: capacities(900, 1000), classes: ["1", "0", ""]),
    ClassCase(
        testDescription: "without capacity the frequency decides",
        kinds: [kind([0, 1], mhz: 3300), kind([2], mhz: 5100)], classes: ["2", "0-1", ""]),
    ClassCase(
        testDescription: "a frequency that one kind lacks decides nothing, the rank does",
        kinds: [
            CPUKind(pus: [0], rank: 1, maxMHz: 5000), CPUKind(pus: [1], rank: 0),
        ], classes: ["0", "1", ""]),
    ClassCase(
        testDescription: "with neither there is one class",
        kinds: [kind([0], mhz: 5000), kind([1])], classes: ["0-1", "", ""]),
    ClassCase(
        testDescription: "CoreType wins over equal frequencies, favoured cores are no class",
        kinds: [
            kind([0, 1], mhz: 6000, type: "IntelCore"), kind([2, 3], mhz: 5000, type: "IntelCore"),
            kind([4], mhz: 4900, type: "IntelAtom"),
        ], classes: ["0-3", "4", ""]),
    ClassCase(
        testDescription: "Atom cores of two frequencies are E-cores and LP E-cores",
        kinds: [
            kind([0], mhz: 5000, type: "IntelCore"), kind([1], mhz: 3800, type: "IntelAtom"),
            kind([2], mhz: 2500, type: "IntelAtom"),
        ], classes: ["0", "1", "2"]),
    ClassCase(
        testDescription: "Atom cores that miss the L3 of other Atom cores are low power",
        kinds: [kind([0, 1], type: "IntelCore"), kind([2, 3, 4], type: "IntelAtom")],
        withL3: [0, 1, 2, 3], classes: ["0-1", "2-3", "4"]),
    ClassCase(
        testDescription: "Atom cores that all miss the L3 are efficiency",
        kinds: [kind([0, 1], type: "IntelCore"), kind([2, 3], type: "IntelAtom")],
        withL3: [0, 1], classes: ["0-1", "2-3", ""]),
    ClassCase(
        testDescription: "hwloc's own low-power type joins those without L3",
        kinds: [
            kind([0], type: "IntelCore"), kind([1, 2], type: "IntelAtom"),
            kind([3], type: "IntelLowPower"),
        ], withL3: [0, 1], classes: ["0", "1", "2-3"]),
    ClassCase(
        testDescription: "a type that is not known leaves it to the frequency",
        kinds: [kind([0], mhz: 4000, type: "P-core"), kind([1], mhz: 4100, type: "E-core")],
        classes: ["0-1", "", ""]),
]

@Test("kinds of cores become classes", arguments: classCases)
func kindsBecomeClasses(_ one: ClassCase) {
    let classes = CoreClasses.derive(from: one.kinds, withL3: one.withL3)
    #expect(CoreClass.allCases.map { classes[$0].description } == one.classes)
    let backwards = CoreClasses.derive(from: one.kinds.reversed(), withL3: one.withL3)
    #expect(backwards == classes)
}

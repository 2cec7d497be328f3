import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseCLI

@Suite struct DrawingTests {
    /// Two performance cores with two PUs each and four efficiency cores under one cache.
    private static let hybrid: Machine = {
        let groups = [CoreGroup(2, threads: 2), CoreGroup(4, .efficiency, perCluster: 4)]
        var made = machine(
            groups,
            accelerators: [
                Accelerator(id: "npu0", kind: .npu, node: 0, bytes: nil, name: "Neural Engine")
            ])
        made.name = "small hybrid"
        return made
    }()

    private static let policy = Policy(
        name: "two", reserve: Reserve(millicores: 1000),
        features: [
            feature("fast", priority: 80, performance: cores(1, 1, 1)),
            feature("many", efficiency: cores(1, 2, 2)),
            feature("rest", priority: 10, performance: cores(0, 1, 1), sharing: .shared),
        ])

    private func drawing(_ machine: Machine, plan: AllocationPlan?, width: Int = 80, glyphs: Glyphs)
        -> String
    {
        let console = Capture(width: width, glyphs: glyphs).console
        return MachineDrawing(machine, plan: plan, console: console).lines.joined(separator: "\n")
    }

    @Test func aMachineShowsItsNodesCachesAndCores() {
        let text = drawing(DrawingTests.hybrid, plan: nil, glyphs: .unicode)
        #expect(
            text == """
                small hybrid · 6 cores, 8 CPUs · from a file
                ┌─ package 0 ────────────────────────────────┐
                │ node 0 · 16 GiB                            │
                │ npu0 Neural Engine                         │
                │ no shared cache  L3#0 16 MiB               │
                │ ┌─────┬─────┐    ┌─────┬─────┬─────┬─────┐ │
                │ │P 0-1│P 2-3│    │E 4  │E 5  │E 6  │E 7  │ │
                │ └─────┴─────┘    └─────┴─────┴─────┴─────┘ │
                └────────────────────────────────────────────┘

                P  performance  2 cores  CPUs 0-3
                E  efficiency   4 cores  CPUs 4-7
                """)
    }

    @Test func aPlanShowsWhoHasWhatAlsoWithoutColours() {
        let plan = Planner(machine: DrawingTests.hybrid, policy: DrawingTests.policy).plan()
        let text = drawing(DrawingTests.hybrid, plan: plan, glyphs: .ascii)
        #expect(
            text == """
                small hybrid, 6 cores, 8 CPUs, from a file
                +- package 0 ------------------------------------------------------------+
                | node 0, 16 GiB                                                         |
                | npu0 Neural Engine, idle                                               |
                | no shared cache          L3#0 16 MiB                                   |
                | +----------+----------+  +----------+----------+----------+----------+ |
                | |P 0-1     |P 2-3     |  |E 4       |E 5       |E 6       |E 7       | |
                | |A fast    |1 C       |  |# reserved|B many               |. idle    | |
                | +----------+----------+  +----------+----------+----------+----------+ |
                +------------------------------------------------------------------------+

                P  performance  2 cores  CPUs 0-3
                E  efficiency   4 cores  CPUs 4-7

                A  fast                     1 P  CPUs 0-1
                B  many                     2 E  CPUs 5-6
                C  rest (on shared cores)
                1  shared time of C rest    1 P  CPUs 2-3
                #  reserved for the system  1 E  CPUs 4
                .  idle, nobody's           1 E  CPUs 7
                """)
    }

    @Test func aLargeMachineIsOneRowForEachCache() {
        let server = machine([CoreGroup(56, threads: 2, perCluster: 8), CoreGroup(2, .lowPower)])
        let text = drawing(server, plan: nil, glyphs: .unicode)
        #expect(
            text == """
                test · 58 cores, 114 CPUs · from a file
                ┌─ package 0 ──────────────────────────────┐
                │ node 0 · 16 GiB                          │
                │ L3#0 16 MiB  P  0-15     P P P P P P P P │
                │ L3#1 16 MiB  P  16-31    P P P P P P P P │
                │ L3#2 16 MiB  P  32-47    P P P P P P P P │
                │ L3#3 16 MiB  P  48-63    P P P P P P P P │
                │ L3#4 16 MiB  P  64-79    P P P P P P P P │
                │ L3#5 16 MiB  P  80-95    P P P P P P P P │
                │ L3#6 16 MiB  P  96-111   P P P P P P P P │
                │              L  112-113  L L             │
                └──────────────────────────────────────────┘

                P  performance  56 cores  CPUs 0-111
                L  lowPower     2 cores   CPUs 112-113
                """)
    }

    @Test func noLineIsWiderThanTheTerminal() {
        for seed in 1...200 {
            var random = SeededGenerator(seed: UInt64(seed))
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let plan = Planner(machine: machine, policy: policy).plan()
            let text = drawing(machine, plan: plan, glyphs: .unicode)
            let widest = text.split(separator: "\n").map { DisplayWidth.of(String($0)) }.max()
            #expect(widest ?? 0 <= 80, "seed \(seed):\n\(text)")
        }
    }
}

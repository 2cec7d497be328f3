import PoiseLinux
import PoiseModel
import Testing

@testable import PoiseDaemon

@Suite("What a daemon leaves for the one after it")
struct DaemonStateTests {
    private func state() throws -> DaemonState {
        let feature = try #require(FeatureID("streaming"))
        var allocation = ResourceAllocation(feature: feature, priority: 80)
        allocation.exclusive = [2, 3]
        allocation.millicores.performance = 2000
        allocation.memory = MemoryBudget(minBytes: 1, lowBytes: 2, highBytes: 3, maxBytes: 4)
        var plan = AllocationPlan(machine: "m", policy: "p")
        plan.features = [allocation]
        var state = DaemonState(
            bootID: "boot", plan: plan,
            features: [
                .init(
                    feature: feature, pid: 12, startTicks: 345, cgroup: 67, source: "plugin x",
                    generation: 8, restarts: 2, failures: 1, since: Instant(nanoseconds: 99),
                    allocation: allocation, plugin: "streaming", pluginVersion: "1.0")
            ])
        state.needs = [
            .init(
                feature: feature, coreClass: .efficiency, millicores: 1500,
                until: Instant(nanoseconds: 77))
        ]
        state.root.texts = ["cgroup.subtree_control": "cpu\n"]
        return state
    }

    @Test("what was written is read back")
    func roundTrip() throws {
        let state = try state()
        #expect(try DaemonState(text: state.text, bootID: "boot") == state)
    }

    @Test(
        "a file that was damaged anywhere says nothing, and so do one of another boot and no file")
    func damage() throws {
        let text = Array(try state().text.utf8)
        for position in stride(from: 0, to: text.count - 1, by: 7) {
            var bytes = text
            bytes[position] ^= 1
            #expect(throws: DaemonState.Unusable.self) {
                try DaemonState(text: String(decoding: bytes, as: UTF8.self), bootID: "boot")
            }
        }
        for cut in [0, 1, text.count / 2, text.count - 2] {
            #expect(throws: DaemonState.Unusable.self) {
                try DaemonState(
                    text: String(decoding: text.prefix(cut), as: UTF8.self), bootID: "boot")
            }
        }
        #expect(throws: DaemonState.Unusable.self) {
            try DaemonState(text: String(decoding: text, as: UTF8.self), bootID: "another")
        }
    }
}

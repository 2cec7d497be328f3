import PoiseHardware
import PoiseLinux
import PoiseModel
import PoiseWire

/// Holds running features to their allocations.
///
/// It is made from the local machine and so cannot exist for one that came from a file.
struct Enforcer {
    let backend: Backend
    /// The cgroups, under the backend that has them.
    var groups: FeatureGroups?
    private let ownsAffinity: Bool
    private var affinity = AffinityBackend()

    init(machine: LocalMachine, backend: Backend, groups: FeatureGroups? = nil) {
        self.backend = backend
        self.groups = groups
        ownsAffinity = backend == .affinity
    }

    /// How firmly each line of a budget is held here.
    var holding: Holding {
        groups.map { Holding(files: $0.support.files) } ?? Holding(backend: backend)
    }

    /// What threads of a feature are to be held to; nil where no mask holds them.
    func placement(of allocation: ResourceAllocation) -> AffinityPlacement? {
        guard ownsAffinity else { return nil }
        return AffinityPlacement(
            cpus: allocation.cpus, priority: allocation.priority,
            memoryMaxBytes: allocation.memory.maxBytes)
    }

    /// Applies an allocation to all processes of a feature, and notes what was refused; gives how
    /// many threads were given other CPUs here. Where there are cgroups the kernel has moved them.
    mutating func apply(
        _ allocation: ResourceAllocation, to process: FeatureProcess, orphans: [ProcessID]
    ) -> Int {
        guard let placement = placement(of: allocation) else {
            return groups == nil ? 0 : process.load.sample.threads ?? 0
        }
        let outcomes = affinity.apply(
            placement, replacing: process.placement, to: process.roots(orphans: orphans))
        process.placement = placement
        process.refusals = Enforcer.refusals(outcomes)
        return Enforcer.moved(outcomes)
    }

    private static func moved(_ outcomes: [AffinityOutcome]) -> Int {
        outcomes.reduce(0) {
            if case .applied(.cpus, let count) = $1 { $0 + count } else { $0 }
        }
    }

    /// Puts back threads that left their set; gives how many.
    mutating func verify(_ process: FeatureProcess, orphans: [ProcessID]) -> Int {
        guard let placement = process.placement else { return 0 }
        let drifted = Enforcer.moved(
            affinity.verify(placement, process.roots(orphans: orphans)))
        process.drifted += drifted
        return drifted
    }

    /// Keeps the daemon itself off the features' CPUs: on the reserved ones, or, where none are, on
    /// those that no feature has for itself.
    func moveDaemon(under plan: AllocationPlan, on machine: Machine) throws(SystemError) {
        guard backend != .observe else { return }
        let owned = plan.features.reduce(into: CPUSet()) { $0.formUnion($1.exclusive) }
        let free = machine.pus.subtracting(owned)
        let places = [plan.reserved, free, machine.pus]
        guard let cpus = places.first(where: { !$0.isEmpty }) else { return }
        if try ThreadSettings.cpus(of: 0) != cpus { try ThreadSettings.setCPUs(cpus, of: 0) }
    }

    private static func refusals(_ outcomes: [AffinityOutcome]) -> [String] {
        outcomes.compactMap { outcome in
            switch outcome {
            // The kernel takes one change of a session at a time; the next check makes it.
            case .refused(.session, _, .tryAgain, _): nil
            case .refused(let setting, let count, let errno, let remedy):
                "\(setting.rawValue) of \(count) threads: \(errno) (\(remedy))"
            case .unsettled(let threads):
                "\(threads) threads came faster than they could be moved"
            case .applied, .unchanged: nil
            }
        }
    }
}

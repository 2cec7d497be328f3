import PoiseModel
import PoiseWire

extension HostAllocation {
    /// What a plugin is told of its allocation.
    ///
    /// Its baseline, the CPUs that it keeps as long as it runs, is what it has exclusively and
    /// shared: nothing else is given to anybody yet.
    init(_ allocation: ResourceAllocation, generation: Int, on machine: Machine) {
        self.init(
            generation: generation, exclusive: allocation.exclusive, shared: allocation.shared,
            borrowed: allocation.borrowed,
            baseline: allocation.exclusive.union(allocation.shared))
        cores = machine.cores.compactMap { core in
            guard core.pus.isSubset(of: allocation.exclusive) else { return nil }
            return OwnCore(cpus: core.pus, coreClass: core.class)
        }
        millicores = allocation.millicores
        weight = allocation.weight
        memoryLowBytes = allocation.memory.lowBytes
        memoryMaxBytes = allocation.memory.maxBytes
        accelerators = allocation.accelerators
    }
}

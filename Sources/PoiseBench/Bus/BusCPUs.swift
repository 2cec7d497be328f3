import PoiseLinux
package import PoiseModel

/// The two CPUs that a bus measurement runs on.
package struct BusCPUs: Equatable, Sendable {
    package var producer: Int
    package var consumer: Int

    package init(producer: Int, consumer: Int) {
        self.producer = producer
        self.consumer = consumer
    }

    /// Two that this process may use: of two cores of one cluster where the machine has such, since
    /// two threads of one core share its caches and its time. Nil when there is only one.
    package static func choose(of usable: CPUSet, on machine: Machine?) -> BusCPUs? {
        let cores = (machine?.cores ?? []).compactMap { core in
            usable.intersection(core.pus).first.map { (cluster: core.cluster, cpu: $0) }
        }
        for core in cores {
            let other = cores.first { $0.cluster == core.cluster && $0.cpu != core.cpu }
            if let other { return BusCPUs(producer: core.cpu, consumer: other.cpu) }
        }
        guard let first = usable.first, let last = usable.last, first != last else { return nil }
        return BusCPUs(producer: first, consumer: last)
    }

    /// As `choose`, of what this process may use now.
    package static func here(on machine: Machine?) throws(BenchFailure) -> BusCPUs {
        do throws(SystemError) {
            if let cpus = choose(of: try ThreadSettings.cpus(of: 0), on: machine) { return cpus }
        } catch {
            throw BenchFailure("\(error)")
        }
        throw BenchFailure(
            "measuring failed on this machine: two CPUs are needed"
                + " (see Cpus_allowed_list in /proc/self/status)")
    }
}

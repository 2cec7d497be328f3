package import PoiseModel

/// The machine that this process runs on: the only one that may be enforced on.
///
/// It can be made in no other way than by looking at the running system, so a plan for a machine
/// that came from a file never reaches the kernel.
package struct LocalMachine: Sendable, Equatable {
    package let machine: Machine

    private init(_ machine: Machine) { self.machine = machine }

    /// Looks at the running system.
    package static func discover() throws(TopologyError) -> LocalMachine {
        let machine = try Machine.discover(from: .thisSystem)
        guard machine.isThisSystem else { throw .notThisSystem }
        return LocalMachine(machine)
    }
}

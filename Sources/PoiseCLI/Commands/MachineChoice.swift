import PoiseHardware
import PoiseModel
import PoiseWire

/// The machine that a command is about.
enum MachineChoice {
    /// The one that `--machine` names, or this one.
    static func machine(_ invocation: Invocation) throws(CommandFailure) -> Machine {
        do throws(TopologyError) {
            guard let name = invocation[.machine] else {
                return try Machine.discover(from: .thisSystem)
            }
            return try Machine.discover(from: MachineSource(named: name))
        } catch {
            throw CommandFailure(.no, error.description)
        }
    }

    /// How firmly a plan would be held there: a machine from a file is only planned on.
    static func holding(of machine: Machine) -> Holding {
        machine.isThisSystem
            ? Holding(backend: HostCapabilities.probe(subtree: .unitOrOwn).recommendedBackend)
            : .none
    }
}

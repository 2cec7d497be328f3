import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

/// The processes of one running feature and everything the daemon holds of them.
final class FeatureProcess {
    let feature: FeatureID
    let child: ChildProcess
    /// The messages to and from the plugin's host; nil for a command.
    let channel: FileDescriptor?
    var output: FeatureOutput
    var sampler = FeatureSampler()
    var sample = LoadSample()
    var report: LoadReport?
    var health: String?
    /// What its threads are held to.
    var placement: AffinityPlacement?
    /// Settings that the kernel refused, for people.
    var refusals: [String] = []
    /// Threads found outside of their set and put back, ever.
    var drifted = 0
    /// What its host threw away because the plugin sent too much, ever.
    var dropped = 0
    var plugin: (name: String, version: String)?
    /// The stage and text of the failure that its host told, until it ends.
    var toldFailure: String?

    init(
        feature: FeatureID, child: ChildProcess, channel: FileDescriptor?,
        output: consuming FeatureOutput
    ) {
        self.feature = feature
        self.child = child
        self.channel = channel
        self.output = output
    }

    /// Its process, and those it left behind that still carry its name.
    func roots(orphans: [ProcessID]) -> [ProcessID] {
        [child.pid]
            + orphans.filter {
                ProcessFiles.environmentValue(HostLauncher.featureVariable, of: $0) == feature.name
            }
    }

    /// Sends an order to the host; false when it cannot take it.
    func send(_ order: HostOrder) -> Bool {
        guard let channel else { return false }
        let bytes = Array(order.json.description.utf8)
        guard bytes.count <= HostOrder.longest else { return false }
        do throws(SystemError) {
            return try LocalSocket.send(bytes[...], to: channel) == bytes.count
        } catch {
            // Its end is seen by its process; what it was to be told does not matter any more.
            return false
        }
    }

    /// The next datagram of its host; one that is gone has nothing more to say.
    func nextNews() -> FileDescriptor.Reading {
        guard let channel else { return .end }
        do throws(SystemError) {
            return try channel.read(atMost: HostOrder.longest)
        } catch {
            // A killed host resets the connection; how it ended is told by its process.
            return .end
        }
    }

    /// Sends a signal to all of its processes.
    func signal(_ number: Int32, orphans: [ProcessID]) {
        for pid in ProcessTree.tree(of: roots(orphans: orphans)) where pid != child.pid {
            kill(pid, number)
        }
        do throws(SystemError) {
            // The one that we started cannot be mistaken for a later one of its number.
            try child.signal(number)
        } catch {
            refusals = ["signal \(number): \(error)"]
        }
    }
}

extension ProcessEnd {
    /// What the end of a feature's process means for its life.
    func ending(isHost: Bool) -> FeatureLife.Ending {
        switch self {
        case .exited(0): .done
        // Wrong use, ABI or configuration: starting again would not help.
        case .exited(100) where isHost: .refused
        case .exited, .signalled: .failure
        }
    }
}

import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel

// What is held by looking, where no cgroup holds it.
extension Daemon {
    /// A plugin whose threads leave their CPUs so often in a row does it on purpose.
    private static let mostDrifts = 3

    /// Tells the engine of a feature that leaves its CPUs again and again.
    func noteDrift(of process: FeatureProcess, threads: Int) {
        process.driftsInARow = threads > 0 ? process.driftsInARow + 1 : 0
        guard process.driftsInARow >= Daemon.mostDrifts else { return }
        process.driftsInARow = 0
        inbox.post(
            .failed(
                process.feature, .security,
                because: "its threads left their CPUs each second, \(Daemon.mostDrifts) times in "
                    + "a row"))
    }

    /// Ends a feature that has more processes and threads than its `pids.max`.
    func endIfTooMany(_ process: FeatureProcess) {
        guard enforcer.groups == nil, process.handle.isAlive,
            let most = engine.policy[process.feature]?.mostProcesses,
            let has = process.load.threads, has > most
        else { return }
        process.toldFailure =
            "it had \(has) processes and threads where pids.max is \(most), and was killed"
        kill(process.feature)
    }

    /// Ends what features that have ended left behind, where no cgroup did.
    ///
    /// - Parameter all: whoever it belonged to: the daemon ends.
    func endLeftovers(all: Bool = false) {
        guard enforcer.groups == nil else { return }
        var ended: Set<ProcessID> = []
        for _ in 0..<FeatureProcess.mostPasses {
            let new = orphans.filter { pid in
                if all { return true }
                guard
                    let name = ProcessFiles.environmentValue(HostLauncher.featureVariable, of: pid)
                else { return false }
                return !processes.keys.contains { $0.name == name }
            }.filter { ended.insert($0).inserted }
            if new.isEmpty { return }
            for pid in ProcessTree.tree(of: new) { Glibc.kill(pid, SIGKILL) }
        }
    }
}

import PoiseEngine
import PoiseLinux
import PoiseModel

// What is held by looking, where no cgroup holds it.
extension Daemon {
    /// A plugin whose threads leave their CPUs so often in a row does it on purpose.
    private static let mostDrifts = 3

    /// Ends a feature that has more processes and threads than its `pids.max`, and tells the engine
    /// of one that leaves its CPUs again and again.
    func holdWithinLimits(_ process: FeatureProcess, drifted: Int) {
        guard enforcer.groups == nil else { return }
        let feature = process.feature
        process.driftsInARow = drifted > 0 ? process.driftsInARow + 1 : 0
        if process.driftsInARow >= Daemon.mostDrifts {
            process.driftsInARow = 0
            inbox.post(
                .failed(
                    feature, .security,
                    because: "its threads left their CPUs each second, \(Daemon.mostDrifts) times "
                        + "in a row"))
        }
        let has = process.load.sample.threads ?? 0
        guard let most = engine.policy[feature]?.mostProcesses, has > most else { return }
        process.toldFailure =
            "it had \(has) processes and threads where pids.max is \(most), and was killed"
        kill(feature)
    }
}

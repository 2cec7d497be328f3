import Glibc
import PoisePlugin
import Synchronization

/// A bad plugin in Swift: `harm` in its configuration says which (`recursion`, `spin`, `flood`).
///
/// It keeps to the same rules as those in C (`harm.h`): in good order until `after` milliseconds
/// after its start (`again` when it has done harm before), then it says so in the file `harm` of
/// its state folder, and does it.
final class SwiftHarm: Plugin {
    static let name = "swift-harm"
    static let version = "1.0"

    private static let harms: [String: @Sendable (Host) -> Void] = [
        "recursion": DeepRecursion.run, "spin": { _ in }, "flood": LogFlood.run,
    ]

    private let moment: HarmMoment
    private let host: Host
    private let spins: Bool
    private let harm: @Sendable (Host) -> Void

    init(host: Host, config: JSON) throws(PluginError) {
        let word = config["harm"]?.string ?? ""
        guard let harm = SwiftHarm.harms[word] else {
            throw .configuration("reading config.harm failed: there is no harm \(word)")
        }
        self.harm = harm
        self.host = host
        spins = word == "spin"
        moment = HarmMoment(
            folder: host.stateFolder, after: config["after"]?.integer ?? 1000,
            again: config["again"]?.integer)
    }

    func start() {
        moment.set()
        guard !spins else { return }
        Thread.run { [moment, host, harm] in
            moment.wait()
            harm(host)
        }
    }

    func apply(_ allocation: Allocation) {}
    func stop() {}

    /// The main thread turns for ever in here, where that is the harm.
    var health: Health {
        if spins, moment.hasCome { InfiniteLoop.run() }
        return .good
    }
}

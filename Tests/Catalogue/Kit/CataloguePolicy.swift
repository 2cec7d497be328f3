/// The policy of one run: a victim with a core of its own, a victim on shared time, and a bad one.
package struct CataloguePolicy: Sendable {
    package static let own = "own"
    package static let shared = "shared"
    package static let bad = "bad"
    package static let victims = [own, shared]

    /// Where the libraries of the plugins are.
    package var plugins: String
    /// Where those in Swift are; nil is the same folder.
    package var swiftPlugins: String?
    package var bad: BadPlugin
    /// How many CPUs there are: with two or more one victim has a core of its own.
    package var cpus: Int
    /// Milliseconds from the bad one's start to its harm.
    package var after = 1000
    /// Microseconds from one piece of a victim's work to the next, and its size in turns.
    package var period = 1000
    package var work = 20000
    /// Where `poised` listens.
    package var socket: String

    package init(plugins: String, bad: BadPlugin, cpus: Int, socket: String) {
        self.plugins = plugins
        self.bad = bad
        self.cpus = cpus
        self.socket = socket
    }

    /// What a victim has at least, in millicores.
    package func least(of victim: String) -> Int {
        victim == CataloguePolicy.own && cpus > 1 ? 1000 : 300
    }

    /// What the breaker of the bad one is told: it opens after so many failures.
    package static let failures = 3

    package var text: String {
        let isOwn = cpus > 1
        // The shared victim wants whatever is there, so that it is seen to get what the bad one
        // gives back; and nothing is taken from it for being idle.
        let rest = max(1, isOwn ? cpus - 1 : 1)
        return """
            version: 1
            name: catalogue
            reserve: { cores: 0.1, memory: 16MiB }
            rebalance: { shrinkAfter: 1h }
            features:
            \(victim(CataloguePolicy.own, priority: 90, isOwn ? "1" : "0.3", sharing: nil))
            \(victim(
                CataloguePolicy.shared, priority: 80,
                "{ min: 0.3, want: \(rest), max: \(rest) }", sharing: "shared"))
            \(badFeature)

            """
    }

    private func victim(
        _ name: String, priority: Int, _ cores: String, sharing: String?
    ) -> String {
        """
          \(name):
            plugin: \(plugins)/libvictim.so
            priority: \(priority)
            lend: false
            cores: { performance: \(cores)\(sharing.map { ", sharing: \($0)" } ?? "") }
            config: { period: \(period), work: \(work) }
        """
    }

    private var badFeature: String {
        let isSwift = bad.library == BadPlugin.swiftLibrary
        let folder = isSwift ? swiftPlugins ?? plugins : plugins
        return """
              \(CataloguePolicy.bad):
                plugin: \(folder)/lib\(bad.library).so
                priority: 10
                borrow: false
                cores: { performance: { min: 0.1, want: 0.3, max: 0.5 }, sharing: shared }
                memory: { max: 96MiB }
                pids: { max: 64 }
                breaker: { failures: \(CataloguePolicy.failures), within: 60s, open: 2s, openMax: 8s }
                config:
                  after: \(after)
                  again: 200
                  socket: \(socket)
                  victim: \(CataloguePolicy.shared)
                  \(bad.config)
            """
    }
}

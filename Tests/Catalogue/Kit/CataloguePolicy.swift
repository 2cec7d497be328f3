/// The policy of one run: two victims and a bad one.
package struct CataloguePolicy: Sendable {
    package enum Layout: String, Sendable, CaseIterable {
        /// One victim has a core of its own; the other shares its cores with the bad one.
        case sharing
        /// The bad one has a core of its own, and a fourth feature would use it: so it is seen how
        /// soon it is lent when the bad one fails, which it may once.
        case lending
    }

    package static let own = "own"
    package static let shared = "shared"
    package static let bad = "bad"
    package static let victims = [own, shared]
    /// Borrows what it can get, in the layout `lending`.
    package static let hungry = "hungry"

    /// Where the libraries of the plugins are.
    package var plugins: String
    /// Where those in Swift are; nil is the same folder.
    package var swiftPlugins: String?
    package var bad: BadPlugin
    package var layout = Layout.sharing
    /// How many CPUs there are: with two or more one victim has a core of its own.
    package var cpus: Int
    /// Milliseconds from the bad one's start to its harm.
    package var after = 1000
    /// Microseconds from one piece of a victim's work to the next, and its size in turns.
    package var period = 1000
    package var work = 20000
    /// The breaker of the bad one opens after so many failures; one in the layout `lending`.
    package var failures = 3
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
        victim == CataloguePolicy.own && isOwn ? 1000 : 200
    }

    private var isOwn: Bool { layout == .sharing && cpus > 1 }

    package var text: String {
        // The shared victim wants whatever is there, so that it is seen what the bad one leaves it;
        // and nothing is taken from anybody for being idle.
        let rest = max(1, cpus - 1)
        let wish = layout == .sharing ? "{ min: 0.2, want: \(rest), max: \(rest) }" : "0.2"
        return """
            version: 1
            name: catalogue
            reserve: { cores: 0.1, memory: 16MiB }
            rebalance: { shrinkAfter: 1h }
            features:
            \(victim(CataloguePolicy.own, priority: 90, isOwn ? "1" : "0.2", isOwn: isOwn))
            \(victim(CataloguePolicy.shared, priority: 80, wish, isOwn: false))
            \(layout == .lending ? hungryFeature + "\n" : "")\(badFeature)
            \(bus)
            """
    }

    /// The victims talk to each other, and one of them to the bad one.
    private var bus: String {
        guard let role = bad.busRole else { return "" }
        let (from, to) =
            role == .sends
            ? (CataloguePolicy.bad, CataloguePolicy.shared)
            : (CataloguePolicy.own, CataloguePolicy.bad)
        let between = "from: \(CataloguePolicy.own), to: \(CataloguePolicy.shared)"
        // A small ring is soon full when its receiver says what cannot be; nobody waits for it.
        return """
            bus:
              routes:
                between: { topics: between, \(between), ring: 64KiB }
                harm: { topics: harm, from: \(from), to: \(to), ring: 4KiB, full: dropNewest }

            """
    }

    private func busConfig(of victim: String) -> String {
        guard let role = bad.busRole else { return "" }
        if victim == CataloguePolicy.shared { return ", receives: 1" }
        return ", sends: \(role == .sends ? 1 : 2)"
    }

    private func victim(
        _ name: String, priority: Int, _ cores: String, isOwn: Bool
    ) -> String {
        let sharing = isOwn ? "exclusive" : "shared"
        return """
              \(name):
                plugin: \(plugins)/libvictim.so
                priority: \(priority)
                lend: false
                borrow: false
                cores: { performance: \(cores), sharing: \(sharing) }
                config: { period: \(period), work: \(work)\(busConfig(of: name)) }
            """
    }

    private var hungryFeature: String {
        """
          \(CataloguePolicy.hungry):
            plugin: \(plugins)/libstandin.so
            priority: 5
            cores: { performance: { min: 0.1, want: 0.1, max: 2 }, sharing: shared }
            config: { threads: 2, busy: 1000 }
        """
    }

    private var badFeature: String {
        let isSwift = bad.library == BadPlugin.swiftLibrary
        let folder = isSwift ? swiftPlugins ?? plugins : plugins
        // Who goes first keeps what it asked for, and is not told of it a second time.
        let failures = layout == .lending || bad.priority > 80 ? 1 : failures
        let cores =
            layout == .sharing
            ? "{ min: 0.1, want: 0.3, max: \(bad.priority > 80 ? 1 : 0.5) }, sharing: shared"
            : "1, sharing: exclusive"
        return """
              \(CataloguePolicy.bad):
                plugin: \(folder)/lib\(bad.library).so
                priority: \(bad.priority)
                borrow: false
                cores: { performance: \(cores) }
                memory: { max: 96MiB }
                pids: { max: 64 }
                breaker: { failures: \(failures), within: 60s, open: 2s, openMax: 8s }
                config:
                  after: \(after)
                  again: 200
                  socket: \(socket)
                  victim: \(CataloguePolicy.shared)
                  \(bad.config)
            """
    }
}

/// One plugin of the catalogue that does harm.
package struct BadPlugin: Sendable, CustomStringConvertible {
    /// What becomes of it.
    package enum Fate: Sendable {
        /// It ends, or is ended, each time: its breaker opens.
        case opens
        /// What it tries is refused or bounded, and it runs on.
        case runsOn
        /// It never works, and is not tried again without end.
        case neverStarts
        /// It is ended when it is asked to stop and does not.
        case stops
    }

    /// What it does on the bus, with a victim at the other end of its link.
    package enum BusRole: String, Sendable {
        case sends, receives

        /// The name of its link.
        package var link: String {
            switch self {
            case .sends: "harm:\(CataloguePolicy.bad)>\(CataloguePolicy.shared)"
            case .receives: "harm:\(CataloguePolicy.own)>\(CataloguePolicy.bad)"
            }
        }
    }

    /// Its name in the catalogue.
    package var name: String
    /// The library's file is `libNAME.so`.
    package var library: String
    /// Members of its configuration beside the moment of its harm, as YAML.
    package var config: String
    package var fate: Fate
    /// What poised says of it: at least one event of one of these kinds; empty when the kernel
    /// refuses what it tries and there is nothing to say.
    package var told: Set<String>
    /// Where it has a cgroup it is held to its bounds there, and may run on in them.
    package var isHeldByCgroup = false
    /// Below both victims unless it must be above to do its harm.
    package var priority = 10
    /// Nil: it is not on the bus, and nobody is.
    package var busRole: BusRole?
    /// It is noticed only when a deadline of several seconds has passed.
    package var isSlow: Bool

    package var description: String { name }

    package init(
        _ name: String, library: String? = nil, config: String = "", _ fate: Fate,
        told: Set<String>, isSlow: Bool = false
    ) {
        self.name = name
        self.library = library ?? name
        self.config = config
        self.fate = fate
        self.told = told
        self.isSlow = isSlow
    }

    /// The same, for a kind of harm that cgroups bound.
    private var heldByCgroup: BadPlugin {
        var plugin = self
        plugin.isHeldByCgroup = true
        return plugin
    }

    /// The same, above the shared victim.
    private var first: BadPlugin {
        var plugin = self
        plugin.priority = 85
        return plugin
    }

    /// The same, on the bus.
    private func onBus(_ role: BusRole) -> BadPlugin {
        var plugin = self
        plugin.busRole = role
        return plugin
    }

    package static let swiftLibrary = "catalogue-plugins"

    /// All of them.
    package static let all: [BadPlugin] = [
        // Does nothing: the noise of the machine.
        BadPlugin("placebo", .runsOn, told: []),
        BadPlugin("segfault", .opens, told: ["failed"]),
        BadPlugin("abort_in_create", .neverStarts, told: ["failed"]),
        BadPlugin(
            "deep_recursion", library: swiftLibrary, config: "harm: recursion", .opens,
            told: ["failed"]),
        BadPlugin("spin_in_sample", .opens, told: ["failed", "late"], isSlow: true),
        BadPlugin(
            "spin_in_health", library: swiftLibrary, config: "harm: spin", .opens,
            told: ["failed", "late"], isSlow: true),
        BadPlugin("spin_workers", .runsOn, told: []),
        BadPlugin("allocation_bomb", .opens, told: ["failed"], isSlow: true),
        BadPlugin("fork_bomb", config: "most: 400", .opens, told: ["failed"], isSlow: true)
            .heldByCgroup,
        BadPlugin("thread_bomb", config: "most: 1000", .opens, told: ["failed"], isSlow: true)
            .heldByCgroup,
        BadPlugin("descriptor_leak", .runsOn, told: []),
        BadPlugin("log_flood", .runsOn, told: ["dropped", "event"]),
        BadPlugin(
            "swift_log_flood", library: swiftLibrary, config: "harm: flood", .runsOn,
            told: ["dropped", "event"]),
        BadPlugin("lie_negative", library: "lie", config: "lie: negative", .runsOn, told: []),
        BadPlugin("lie_nan", library: "lie", config: "lie: nan", .runsOn, told: []),
        BadPlugin("lie_enormous", library: "lie", config: "lie: enormous", .runsOn, told: []),
        BadPlugin("lie_idle", library: "lie", config: "lie: idle", .runsOn, told: []),
        BadPlugin(
            "lie_starving", library: "lie", config: "lie: starving", .runsOn,
            told: ["need", "doubted"]),
        BadPlugin("never_stops", .stops, told: ["late"], isSlow: true),
        // It must be given what it asks for, to be told of it.
        BadPlugin("hang_in_apply", .opens, told: ["late", "failed"], isSlow: true).first,
        BadPlugin("close_socket", .opens, told: ["failed", "stopped"]),
        BadPlugin("garbage_on_socket", .runsOn, told: ["refused", "dropped"]),
        BadPlugin("fill_shm", .runsOn, told: []),
        BadPlugin("print_terabyte", .runsOn, told: ["dropped"]),
        BadPlugin("escape_affinity", .opens, told: ["drift"]).heldByCgroup,
        BadPlugin("leave_cgroup", .runsOn, told: []),
        BadPlugin("call_control", .opens, told: ["opened"]),
        BadPlugin("signal_parent", .runsOn, told: []),
        BadPlugin(
            "scribble_sending", library: "scribble", config: "does: sends", .opens, told: ["bus"]
        ).onBus(.sends),
        BadPlugin(
            "scribble_receiving", library: "scribble", config: "does: receives", .opens,
            told: ["bus"]
        ).onBus(.receives),
    ]
}

import PoiseModel

/// Who takes part in the bus: plugins, each with its canary while there is one.
struct BusMembers {
    /// A feature of the policy and, during a rollout, the other version of it.
    struct Unit {
        let feature: FeatureID
        /// With `share`, the canary's part in per cent.
        let canary: BusCanary?

        /// The feature, then its canary.
        var versions: [FeatureID] { [feature] + (canary.map { [$0.canary] } ?? []) }
    }

    /// In the order of their names.
    private let units: [Unit]
    private let running: Set<FeatureID>
    /// Plugins and their canaries.
    private let present: Set<FeatureID>

    init(policy: Policy, canaries: [BusCanary], running: Set<FeatureID>) {
        let canaryOf = Dictionary(canaries.map { ($0.feature, $0) }) { first, _ in first }
        let canaryNames = Set(canaries.map(\.canary))
        units = policy.features.filter(\.isOnBus).map(\.id)
            .filter { !canaryNames.contains($0) }.sorted()
            .map { Unit(feature: $0, canary: canaryOf[$0]) }
        present = Set(units.flatMap(\.versions))
        self.running = running
    }

    func senders(of route: BusRoute) -> [Unit] { units(named: route.from) }

    /// All whom the route names; who sends is none of its own receivers.
    func receivers(of route: BusRoute) -> [Unit] { units(named: route.to) }

    private func units(named names: [FeatureID]) -> [Unit] {
        guard !names.isEmpty else { return units }
        let wanted = Set(names)
        return units.filter { wanted.contains($0.feature) }
    }

    /// Which versions of a feature run.
    func running(of unit: Unit) -> [FeatureID] { unit.versions.filter(running.contains) }

    /// How 100 are divided between a feature and its canary. Who does not run gets nothing while
    /// the other does; while neither runs, messages wait for the feature.
    func shares(of unit: Unit) -> [(reader: FeatureID, share: Int)] {
        guard let canary = unit.canary else { return [(unit.feature, 100)] }
        let share =
            switch (running.contains(unit.feature), running.contains(canary.canary)) {
            case (true, true): min(max(canary.share, 0), 100)
            case (false, true): 100
            case (_, false): 0
            }
        return [(unit.feature, 100 - share), (canary.canary, share)]
    }

    /// Who reads what was meant for `addressee`: itself while it is there, else the feature whose
    /// canary it was.
    func heir(of addressee: FeatureID) -> FeatureID? {
        if present.contains(addressee) { return addressee }
        return units.map(\.feature).first { Rollout.canary(of: $0) == addressee }
    }
}

import PoiseModel

extension Supervisor {
    /// The bus as it is to be now.
    ///
    /// - Parameters:
    ///   - existing: the links that there are.
    ///   - holding: names of those that must not go: see `BusPlan.init`.
    package func busPlan(existing: [BusLink], holding: Set<String>) -> BusPlan {
        let running = records.filter { $0.value.life.state == .running && !$0.value.breaker.isOpen }
        return BusPlan(
            policy: given, plan: plan, machine: machine, running: Set(running.keys),
            canaries: rollouts.busCanaries, existing: existing, holding: holding)
    }
}

extension RolloutBook {
    /// The canaries of all rollouts with their shares, in the order of their features' names.
    package var busCanaries: [BusCanary] {
        active.values.flatMap { rollout in
            rollout.sides.map {
                BusCanary(feature: $0.feature, canary: $0.canary, share: rollout.share)
            }
        }.sorted { $0.feature < $1.feature }
    }
}

package import PoiseModel

extension BusPlan {
    /// The links and tables of a policy.
    ///
    /// - Only plugins take part. Links of features that do not run stay: messages wait there.
    /// - A canary sends what its feature sends, over links of its own, and has a part of what its
    ///   feature gets.
    /// - A link that no route wants any more and that holds messages stays until it is empty; its
    ///   addressee reads it, or the feature whose canary the addressee was. When neither is left,
    ///   the link goes, with what lies in it.
    /// - A ring in use keeps its size and its protocol; a change of these counts once the link is
    ///   not in `holding`.
    ///
    /// - Parameters:
    ///   - policy: as the operator gave it, or the one in effect: canaries in it are known by
    ///     `canaries`.
    ///   - plan: where features are; nil when that is not known, and nothing is preferred.
    ///   - running: who reads its links now (its breaker closed). Of a member, who does not run
    ///     gets nothing while others do.
    ///   - existing: the links that there are.
    ///   - holding: names of those that must not go: there are messages in them that were not read,
    ///     or a host may still write into them.
    package init(
        policy: Policy, plan: AllocationPlan?, machine: Machine, running: Set<FeatureID>,
        canaries: [BusCanary] = [], existing: [BusLink] = [], holding: Set<String> = []
    ) {
        let places = BusPlaces(plan: plan, machine: machine)
        let members = BusMembers(policy: policy, canaries: canaries, running: running)
        var maker = BusPlanMaker(
            members: members, places: places, existing: existing, holding: holding)
        for route in policy.bus.routes.sorted(by: { $0.name < $1.name }) { maker.add(route) }
        maker.keepHolding()
        links = maker.links.values.sorted { $0.name < $1.name }
        tables = maker.tables
        arenas = BusPlan.arenas(of: links)
    }

    private static func arenas(of links: [BusLink]) -> [BusArena] {
        var readers: [FeatureID: Set<FeatureID>] = [:]
        for link in links {
            for producer in link.producers {
                readers[producer.feature, default: []].insert(link.consumer)
            }
        }
        return readers.keys.sorted().map { owner in
            BusArena(owner: owner, readers: (readers[owner] ?? []).sorted())
        }
    }
}

/// Gathers links and rows, route by route.
private struct BusPlanMaker {
    let members: BusMembers
    let places: BusPlaces
    let existing: [String: BusLink]
    let holding: Set<String>
    var links: [String: BusLink] = [:]
    var tables: [FeatureID: BusPlan.Table] = [:]

    init(
        members: BusMembers, places: BusPlaces, existing: [BusLink], holding: Set<String>
    ) {
        self.members = members
        self.places = places
        self.existing = Dictionary(existing.map { ($0.name, $0) }) { first, _ in first }
        self.holding = holding
    }

    mutating func add(_ route: BusRoute) {
        let receivers = members.receivers(of: route)
        for sender in members.senders(of: route) {
            for version in sender.versions {
                let units = receivers.filter { $0.feature != sender.feature }
                guard !units.isEmpty else { continue }
                for unit in units {
                    for reader in unit.versions { link(route, from: version, to: reader) }
                }
                let members = members(of: route, from: version, units)
                let row = BusPlan.Row(
                    route: route.name, topics: route.topics.sorted(), members: members,
                    delivery: route.delivery)
                tables[version, default: BusPlan.Table()].rows.append(row)
            }
        }
    }

    private func members(
        of route: BusRoute, from sender: FeatureID, _ units: [BusMembers.Unit]
    ) -> [[BusPlan.Destination]] {
        func destinations(_ unit: BusMembers.Unit, takes: Bool) -> [BusPlan.Destination] {
            members.shares(of: unit).map { reader, share in
                let name = BusLink.name(
                    route: route.name, producer: route.isShared ? nil : sender, addressee: reader)
                return BusPlan.Destination(link: name, share: takes ? share : 0)
            }
        }
        switch route.delivery {
        case .broadcast: return units.map { destinations($0, takes: true) }
        case .any:
            let takers = takers(of: route.preference, from: sender, units)
            return [units.flatMap { destinations($0, takes: takers.contains($0.feature)) }]
        }
    }

    /// Which receivers get anything of a route to any: of those that run, those that are preferred.
    private func takers(
        of preference: BusPreference, from sender: FeatureID, _ units: [BusMembers.Unit]
    ) -> Set<FeatureID> {
        let running = units.filter { !members.running(of: $0).isEmpty }
        let candidates = running.isEmpty ? units : running
        let preferred = candidates.filter { unit in
            let runs = members.running(of: unit)
            return (runs.isEmpty ? unit.versions : runs).contains {
                places.matches(preference, sender: sender, receiver: $0)
            }
        }
        return Set((preferred.isEmpty ? candidates : preferred).map(\.feature))
    }

    private mutating func link(_ route: BusRoute, from sender: FeatureID, to reader: FeatureID) {
        let name = BusLink.name(
            route: route.name, producer: route.isShared ? nil : sender, addressee: reader)
        if links[name] == nil {
            let own = route.isShared ? [] : [BusLink.Producer(feature: sender, index: 0)]
            var link = BusLink(
                route: route.name, isShared: route.isShared, producers: own, addressee: reader,
                consumer: reader, ringBytes: route.ringBytes, full: route.full, wait: route.wait,
                node: places.node(of: reader))
            if let old = existing[name], holding.contains(name) {
                link.ringBytes = old.ringBytes
                if old.full.overwrites != route.full.overwrites { link.full = old.full }
                link.producers = old.producers
                for index in link.producers.indices { link.producers[index].writes = false }
            }
            links[name] = link
        }
        links[name]?.admit(sender)
    }

    /// Keeps what no route wants any more and what is not empty, where there is who reads it.
    mutating func keepHolding() {
        for (name, old) in existing where links[name] == nil && holding.contains(name) {
            guard let heir = members.heir(of: old.addressee) else { continue }
            var link = old
            link.consumer = heir
            link.node = places.node(of: heir)
            for index in link.producers.indices { link.producers[index].writes = false }
            links[name] = link
        }
    }
}

extension BusLink {
    /// `feature` writes, under the number that it had or the lowest that nobody has.
    fileprivate mutating func admit(_ feature: FeatureID) {
        if let known = producers.firstIndex(where: { $0.feature == feature }) {
            producers[known].writes = true
            return
        }
        let taken = Set(producers.map(\.index))
        if let free = (0..<BusRoute.mostWriters).first(where: { !taken.contains($0) }) {
            producers.append(Producer(feature: feature, index: free))
        } else if let gone = producers.firstIndex(where: { !$0.writes }) {
            // All numbers were given away: the lowest of one that has left is given anew.
            producers[gone] = Producer(feature: feature, index: producers[gone].index)
        } else {
            preconditionFailure(
                "\(name) has more writers than a ring tells apart, which no policy may have")
        }
        producers.sort { $0.index < $1.index }
    }
}

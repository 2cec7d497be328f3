package import PoiseModel

/// Which links the bus has and where each feature sends: a pure function of the policy, who has
/// which place on the machine, who runs, and which links there are.
package struct BusPlan: Sendable, Equatable, Codable {
    /// Where one feature sends; `BusTable` of the wire without its generation.
    package struct Table: Sendable, Equatable, Codable {
        /// In the order of their routes; none without members.
        package var rows: [Row]

        package init(rows: [Row] = []) { self.rows = rows }
    }

    package struct Row: Sendable, Equatable, Codable {
        package var route: String
        package var topics: [String]
        /// Each member gets a copy of each message; within a member it goes to one destination.
        /// Broadcast: a member for each receiver, with the receiver and its canary as
        /// destinations. Any: one member with all receivers and their canaries.
        package var members: [[Destination]]
        package var delivery: BusDelivery

        package init(
            route: String, topics: [String], members: [[Destination]], delivery: BusDelivery
        ) {
            self.route = route
            self.topics = topics
            self.members = members
            self.delivery = delivery
        }
    }

    package struct Destination: Sendable, Equatable, Codable {
        package var link: String
        /// How many of the sum of its member's shares come here: a receiver that takes part has
        /// 100, divided between it and its canary. 0 adds nothing to what lies there.
        package var share: Int

        package init(link: String, share: Int) {
            self.link = link
            self.share = share
        }
    }

    /// In the order of their names, no name twice.
    package internal(set) var links: [BusLink] = []
    /// Of each feature that sends anywhere; who is not here sends nothing.
    package internal(set) var tables: [FeatureID: Table] = [:]
    /// Of each feature whose messages may lie in a link, in the order of their names. How large an
    /// arena is says the policy (`arenaBytes`, 0 for none); one that exists stays as it is.
    package internal(set) var arenas: [BusArena] = []

    /// Nothing is said to anybody.
    package init() {}

    /// Where `feature` sends; nowhere when it is not known.
    package func table(of feature: FeatureID) -> Table { tables[feature] ?? Table() }

    package subscript(link name: String) -> BusLink? {
        var (low, high) = (0, links.count)
        while low < high {
            let middle = (low + high) / 2
            if links[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < links.count && links[low].name == name ? links[low] : nil
    }

    /// The links that `feature` writes into now.
    package func links(from feature: FeatureID) -> [BusLink] {
        links.filter { $0.producers.contains { $0.feature == feature && $0.writes } }
    }

    /// The links that `feature` reads, inherited ones too.
    package func links(to feature: FeatureID) -> [BusLink] {
        links.filter { $0.consumer == feature }
    }
}

extension BusPlan {
    /// What must be done to the links of one plan for another.
    package struct Difference: Sendable, Equatable {
        /// Links that were not there.
        package var made: [BusLink] = []
        /// Links that need another ring of the same name; the old one was empty, and nobody wrote.
        package var remade: [BusLink] = []
        /// The ring stays, and who uses it, or how, is another: hosts are told anew.
        package var changed: [BusLink] = []
        /// Nothing is to be done.
        package var kept: [BusLink] = []
        /// Links that nobody uses any more, as they were.
        package var dropped: [BusLink] = []
        /// Features that send in another way than before, in the order of their names.
        package var tables: [FeatureID] = []

        package var isEmpty: Bool {
            made.isEmpty && remade.isEmpty && changed.isEmpty && dropped.isEmpty && tables.isEmpty
        }
    }

    /// What turns `old` into this plan. Links come in the order of their names.
    ///
    /// Whoever performs it makes and attaches first, hands out tables then, and detaches and drops
    /// last, so that no table names a link that is not there.
    package func difference(from old: BusPlan) -> Difference {
        var difference = Difference()
        let before = Dictionary(old.links.map { ($0.name, $0) }) { first, _ in first }
        for link in links {
            guard let was = before[link.name] else {
                difference.made.append(link)
                continue
            }
            if was == link {
                difference.kept.append(link)
            } else if link.hasRing(of: was) {
                difference.changed.append(link)
            } else {
                difference.remade.append(link)
            }
        }
        let names = Set(links.map(\.name))
        difference.dropped = old.links.filter { !names.contains($0.name) }
        let senders = Set(tables.keys).union(old.tables.keys)
        difference.tables = senders.filter { tables[$0] != old.tables[$0] }.sorted()
        return difference
    }
}

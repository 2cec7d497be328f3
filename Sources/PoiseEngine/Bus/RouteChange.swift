package import PoiseModel

/// What another policy makes of a route of the bus.
package struct RouteChange: Sendable, Equatable {
    package enum Kind: String, Sendable { case added, changed, removed }

    package var route: String
    package var kind: Kind

    package init(route: String, kind: Kind) {
        self.route = route
        self.kind = kind
    }

    /// All routes that are not the same in both, in the order of their names.
    package static func changes(from old: BusPolicy, to new: BusPolicy) -> [RouteChange] {
        let before = Dictionary(old.routes.map { ($0.name, $0) }) { first, _ in first }
        let after = Dictionary(new.routes.map { ($0.name, $0) }) { first, _ in first }
        return Set(before.keys).union(after.keys).sorted().compactMap { name in
            switch (before[name], after[name]) {
            case (nil, _?): RouteChange(route: name, kind: .added)
            case (_?, nil): RouteChange(route: name, kind: .removed)
            case (let was, let now):
                was == now ? nil : RouteChange(route: name, kind: .changed)
            }
        }
    }
}

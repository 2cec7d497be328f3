import PoiseModel

/// Who has each core under a plan, with a short label for each owner.
struct Ownership {
    enum Holder: Hashable {
        /// One feature alone, by its position in `features`.
        case feature(Int)
        /// Several features, or one that may have to share, by the position in `pools`.
        case pool(Int)
        case reserved
        case idle
    }

    let plan: AllocationPlan
    /// For each core of the machine, by its id.
    private let holders: [Holder]
    /// The features that share cores, as positions in the plan's features, in order of first use.
    let pools: [[Int]]

    init(_ plan: AllocationPlan, on machine: Machine) {
        self.plan = plan
        var pools: [[Int]] = []
        var known: [[Int]: Int] = [:]
        holders = machine.cores.map { core in
            let users = plan.features.indices.filter {
                !plan.features[$0].cpus.isDisjoint(with: core.pus)
            }
            if let only = users.first, users.count == 1,
                !plan.features[only].exclusive.isDisjoint(with: core.pus)
            {
                return .feature(only)
            }
            guard users.isEmpty else {
                if let pool = known[users] { return .pool(pool) }
                known[users] = pools.count
                pools.append(users)
                return .pool(pools.count - 1)
            }
            return core.pus.isDisjoint(with: plan.reserved) ? .idle : .reserved
        }
        self.pools = pools
    }

    func holder(of core: Core) -> Holder { holders[core.id] }

    /// Cores of the machine that `holder` has.
    func cores(of holder: Holder, on machine: Machine) -> [Core] {
        machine.cores.filter { holders[$0.id] == holder }
    }

    /// `A`…`Z`, `a`…`z`, then `Aa`, `Ab`…: the letter of a feature.
    func label(ofFeature position: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        if position < letters.count { return String(letters[position]) }
        let (first, second) = (position / 26 - 2, position % 26)
        return String(letters[first % 26]) + String(letters[26 + second])
    }

    func label(of holder: Holder, glyphs: Glyphs) -> String {
        switch holder {
        case .feature(let position): label(ofFeature: position)
        case .pool(let pool): "\(pool + 1)"
        case .reserved: glyphs.reserved
        case .idle: glyphs.idle
        }
    }

    /// What to write where there is room for more than the label.
    func name(of holder: Holder) -> String {
        switch holder {
        case .feature(let position): plan.features[position].feature.name
        case .pool(let pool):
            pools[pool].map { label(ofFeature: $0) }.joined(separator: "+")
        case .reserved: "reserved"
        case .idle: "idle"
        }
    }

    func style(of holder: Holder) -> Paint.Style {
        switch holder {
        case .feature(let position): .owner(position)
        // Pools take their colours after the features', so that no two owners look alike.
        case .pool(let pool): .owner(plan.features.count + pool)
        case .reserved: .reserved
        case .idle: .dim
        }
    }
}

package import PoiseModel

/// Cores that hwloc says are alike, and what it knows of how capable they are (`hwloc_cpukinds`).
package struct CPUKind: Sendable, Equatable {
    package var pus: CPUSet
    /// hwloc's own order, higher is more capable (`efficiency`); nil when it has none.
    package var rank: Int?
    /// Linux's relative capacity, 1024 at most (`LinuxCapacity`).
    package var capacity: Int?
    /// `FrequencyMaxMHz`.
    package var maxMHz: Int?
    /// `CoreType`: `IntelCore`, `IntelAtom`, `IntelLowPower`.
    package var coreType: String?

    package init(
        pus: CPUSet, rank: Int? = nil, capacity: Int? = nil, maxMHz: Int? = nil,
        coreType: String? = nil
    ) {
        self.pus = pus
        self.rank = rank
        self.capacity = capacity
        self.maxMHz = maxMHz
        self.coreType = coreType
    }
}

/// Derives the core classes of a machine from hwloc's CPU kinds.
///
/// A class is what a policy can ask for, so two kinds are one class unless a person would tell
/// them apart.
///
/// 1. *CoreType wins.* Where every kind has one that is known here, types are never mixed, and
///    `IntelCore` is one class whatever its frequencies are: favoured cores are not a class.
/// 2. *Neighbours merge.* Within a type, or among all kinds when types are not known, kinds are
///    ordered by capacity, else by maximum frequency, else by hwloc's rank, whichever is known of
///    all of them. A kind less than 10 % below its neighbour is of the neighbour's class; it is the
///    neighbour that counts, not the first of the class, because turbo bins form a staircase.
/// 3. *No L3, no E-core.* Intel's low-power island has the same core type as the E-cores and, seen
///    through CPUID alone, no frequency either. What sets it apart is that it does not reach the
///    L3. So Atom cores without an L3 are a class of their own where other Atom cores have one;
///    where no Atom core has one (Lunar Lake) they are all alike.
/// 4. *Three at most.* While there are more, the two neighbours nearest to each other merge, the
///    lower two when equally near. Merging the nearest keeps the steps that matter: 1024, 800, 700
///    and 250 are three sizes of core, not a big one, a middling one and the rest.
///
/// The most capable class is performance, the next efficiency, the third lowPower. PUs of no kind,
/// and all PUs of a machine without kinds, are performance.
package enum CoreClasses {
    /// The PUs of each class; those in none of the sets are of class performance.
    ///
    /// `withL3` are the PUs that reach an L3 cache.
    package static func derive(from kinds: [CPUKind], withL3: CPUSet) -> PerClass<CPUSet> {
        var result = PerClass<CPUSet>(repeating: [])
        var groups = families(of: kinds, withL3: withL3).flatMap(groups)
        while groups.count > CoreClass.allCases.count { mergeNearest(in: &groups) }
        for (coreClass, group) in zip(CoreClass.allCases, groups) {
            result[coreClass] = group.pus
        }
        return result
    }

    /// Kinds that may become one class, most capable family first.
    private struct Family {
        var kinds: [CPUKind]
        /// Whether frequencies may split the family.
        var isOneClass: Bool
    }

    /// Kinds that are one class.
    private struct Group {
        var family: Int
        var pus: CPUSet
        /// The measure of its least and most capable kind; nil when it has none.
        var measure: ClosedRange<Int>?
    }

    private static let typeOrder = ["IntelCore": 0, "IntelAtom": 1, "IntelLowPower": 2]

    private static func families(of kinds: [CPUKind], withL3: CPUSet) -> [(Int, Family)] {
        let kinds = kinds.filter { !$0.pus.isEmpty }
        guard kinds.allSatisfy({ $0.coreType.flatMap { typeOrder[$0] } != nil }) else {
            return [(0, Family(kinds: kinds, isOneClass: false))]
        }
        let atoms = kinds.filter { $0.coreType == "IntelAtom" }
        let someAtomHasL3 = atoms.contains { !$0.pus.isDisjoint(with: withL3) }
        var families: [Int: [CPUKind]] = [:]
        for kind in kinds {
            let order = kind.coreType.flatMap { typeOrder[$0] } ?? 0
            guard order == 1, someAtomHasL3 else {
                families[order, default: []].append(kind)
                continue
            }
            for (order, pus) in [
                (1, kind.pus.intersection(withL3)), (2, kind.pus.subtracting(withL3)),
            ] where !pus.isEmpty {
                var part = kind
                part.pus = pus
                families[order, default: []].append(part)
            }
        }
        return families.sorted { $0.key < $1.key }.map { order, kinds in
            (order, Family(kinds: kinds, isOneClass: order != 1))
        }
    }

    /// One family as classes, most capable first.
    private static func groups(_ order: Int, _ family: Family) -> [Group] {
        let all = family.kinds.reduce(into: CPUSet()) { $0.formUnion($1.pus) }
        let capacities = family.kinds.compactMap(\.capacity)
        let frequencies = family.kinds.compactMap(\.maxMHz)
        let ranks = family.kinds.compactMap(\.rank)
        let count = family.kinds.count
        let measures =
            capacities.count == count ? capacities : frequencies.count == count ? frequencies : nil
        guard !family.isOneClass, let values = measures ?? (ranks.count == count ? ranks : nil)
        else { return all.isEmpty ? [] : [Group(family: order, pus: all)] }
        // A rank is an order and no amount: neighbours in rank are never "nearly the same".
        let areAmounts = measures != nil
        var groups: [Group] = []
        for (kind, value) in zip(family.kinds, values).sorted(by: { $0.1 > $1.1 }) {
            let near = groups.last?.measure.map { neighbour in
                areAmounts
                    ? value * 10 > neighbour.lowerBound * 9 : value == neighbour.lowerBound
            }
            if near == true, let last = groups.indices.last, let high = groups[last].measure {
                groups[last].pus.formUnion(kind.pus)
                groups[last].measure = value...high.upperBound
            } else {
                groups.append(Group(family: order, pus: kind.pus, measure: value...value))
            }
        }
        return groups
    }

    private static func mergeNearest(in groups: inout [Group]) {
        var best = (gap: Int.max, at: groups.count - 2)
        for index in 0..<groups.count - 1 {
            let (upper, lower) = (groups[index], groups[index + 1])
            guard upper.family == lower.family, let high = upper.measure, let low = lower.measure
            else { continue }
            let gap = (high.lowerBound - low.upperBound) * 1000 / max(high.lowerBound, 1)
            if gap <= best.gap { best = (gap, index) }
        }
        let lower = groups.remove(at: best.at + 1)
        groups[best.at].pus.formUnion(lower.pus)
        if let high = groups[best.at].measure, let low = lower.measure {
            groups[best.at].measure = low.lowerBound...high.upperBound
        }
    }
}

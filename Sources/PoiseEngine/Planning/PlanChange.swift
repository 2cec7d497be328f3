package import PoiseModel

/// What differs between two plans.
package struct PlanChange: Sendable, Equatable {
    /// One feature that gains or loses.
    package struct Line: Sendable, Equatable {
        package var feature: FeatureID
        package var before: ResourceAllocation?
        package var after: ResourceAllocation?
        /// PUs that it has now and had not before, and the other way round.
        package var gained: CPUSet
        package var lost: CPUSet
    }

    /// In the order of the features' names; only those that differ.
    package private(set) var lines: [Line] = []

    package init(from old: AllocationPlan, to new: AllocationPlan) {
        let names = Set(old.features.map(\.feature)).union(new.features.map(\.feature)).sorted()
        for name in names {
            let (before, after) = (old[name], new[name])
            let had = before?.cpus ?? []
            let has = after?.cpus ?? []
            if had == has, before?.millicores == after?.millicores, before?.memory == after?.memory,
                before?.accelerators == after?.accelerators
            {
                continue
            }
            lines.append(
                Line(
                    feature: name, before: before, after: after, gained: has.subtracting(had),
                    lost: had.subtracting(has)))
        }
    }

    /// How many CPUs change hands: those that features that stay had to leave.
    package var movedCPUs: Int {
        lines.reduce(0) { $0 + ($1.before != nil && $1.after != nil ? $1.lost.count : 0) }
    }

    /// `streaming 1 → 1.75 cores (0 → 0-1)`; nil when nothing differs.
    package var summary: String? {
        guard !lines.isEmpty else { return nil }
        return lines.map { line in
            let before = QuantityText.cores(line.before?.millicores.total ?? 0)
            let after = QuantityText.cores(line.after?.millicores.total ?? 0)
            let change = before == after ? "keeps \(after) cores" : "\(before) → \(after) cores"
            let cpus = line.after.map { "CPUs \($0.cpus)" } ?? "no place"
            return "\(line.feature) \(change) (\(cpus))"
        }.joined(separator: ", ")
    }
}

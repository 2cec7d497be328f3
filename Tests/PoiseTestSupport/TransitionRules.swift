package import PoiseModel

/// What must hold for the whole control tree after every single step from one set of groups to
/// another; machines of at most 64 PUs.
package struct TransitionRules {
    /// One group as it is in the middle of a change.
    package struct Present {
        package var cpus: UInt64
        package var values: [ControlKey: String]

        package init(_ group: ControlGroup) {
            cpus = TransitionRules.mask(group.cpus)
            values = group.values
        }
    }

    private struct Ends {
        var isNew = false
        var isLeaving = false
        var isStuck = false
        var fewest = 1
        var (old, oldOwn, new, newOwn): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var memoryWasInOrder = true
    }

    private var ends: [FeatureID: Ends] = [:]
    private var owned: UInt64 = 0
    private let twins: [UInt64]
    private let mostMin: Double
    private let mostLow: Double

    package init(
        from: [FeatureID: ControlGroup], to: [FeatureID: ControlGroup], stuck: [FeatureID],
        cores: [CPUSet]
    ) {
        var twins = (0..<64).map { UInt64(1) << UInt64($0) }
        for core in cores { for pu in core { twins[pu] = Self.mask(core) } }
        self.twins = twins
        for (name, before) in from {
            ends[name, default: Ends()].isLeaving = to[name] == nil
            ends[name, default: Ends()].old = Self.mask(before.cpus)
            ends[name, default: Ends()].oldOwn = Self.mask(before.exclusive)
            ends[name, default: Ends()].memoryWasInOrder = Self.isInOrder(before.values)
        }
        for (name, after) in to {
            var end = ends[name] ?? Ends()
            end.isNew = from[name] == nil
            end.isStuck = stuck.contains(name)
            end.fewest = after.fewestCPUs
            end.new = end.isStuck ? end.old : Self.mask(after.cpus)
            end.newOwn = end.isStuck ? end.oldOwn : Self.mask(after.exclusive)
            end.memoryWasInOrder = end.memoryWasInOrder && Self.isInOrder(after.values)
            ends[name] = end
            owned |= end.oldOwn | end.newOwn
        }
        owned = Self.whole(owned, twins)
        let made = to.filter { from[$0.key] != nil || !stuck.contains($0.key) }
        let sum = { (file: ControlFile, groups: [FeatureID: ControlGroup]) in
            groups.values.reduce(0) { $0 + Self.bytes($1.values, file) }
        }
        mostMin = max(sum(.memoryMin, from), sum(.memoryMin, made))
        mostLow = max(sum(.memoryLow, from), sum(.memoryLow, made))
    }

    /// The lowest 64 PUs as bits.
    package static func mask(_ cpus: CPUSet) -> UInt64 { cpus.bits.first ?? 0 }

    private static func whole(_ pus: UInt64, _ twins: [UInt64]) -> UInt64 {
        var (rest, result): (UInt64, UInt64) = (pus, 0)
        while rest != 0 {
            result |= twins[rest.trailingZeroBitCount]
            rest &= rest - 1
        }
        return result
    }

    /// What is wrong after the CPUs of `changed` were written (or with nil, of any): the rules of
    /// common cores, of empty and of too small groups.
    package func breachOfCPUs(_ tree: [FeatureID: Present], changed: FeatureID) -> String? {
        guard let mine = tree[changed], let end = ends[changed] else { return nil }
        // A group that is just made has no process: a new one, or one whose removal is undone.
        if mine.cpus == 0 { return end.isNew || end.isLeaving ? nil : "\(changed) has no CPU" }
        let least = max(
            1, min(end.fewest, end.new.nonzeroBitCount, end.isNew ? 64 : end.old.nonzeroBitCount))
        if mine.cpus.nonzeroBitCount < least { return "\(changed) has fewer than \(least) CPUs" }
        let core = Self.whole(mine.cpus, twins) & owned
        for (other, theirs) in tree where other != changed {
            guard let its = ends[other] else { continue }
            let common = Self.whole(theirs.cpus, twins) & core
            if common == 0 { continue }
            let before =
                Self.whole(end.old & mine.cpus, twins) & Self.whole(its.old & theirs.cpus, twins)
            let after =
                Self.whole(end.new & mine.cpus, twins) & Self.whole(its.new & theirs.cpus, twins)
            if common & ~(before | after) != 0 {
                return "\(changed) and \(other) are both on \(CPUSet(words: [common]))"
            }
        }
        if isThrottled(mine), ownedNow(mine, end) {
            return "\(changed) is throttled on CPUs of its own"
        }
        return nil
    }

    private func isThrottled(_ group: Present) -> Bool {
        !(group.values[ControlKey(.cpuMax)] ?? "max").hasPrefix("max")
    }

    /// Whether it has a PU that is its own and not just about to be shared, or shared until now.
    private func ownedNow(_ group: Present, _ end: Ends) -> Bool {
        let stillOwn = end.oldOwn & (end.newOwn | ~end.new)
        let alreadyOwn = end.newOwn & (end.oldOwn | ~end.old)
        return group.cpus & (stillOwn | alreadyOwn) != 0
    }

    /// What is wrong after a setting of `changed` was written.
    package func breachOfSettings(_ tree: [FeatureID: Present], changed: FeatureID) -> String? {
        guard let mine = tree[changed], let end = ends[changed] else { return nil }
        if isThrottled(mine), ownedNow(mine, end) {
            return "\(changed) is throttled on CPUs of its own"
        }
        if end.memoryWasInOrder, !Self.isInOrder(mine.values) {
            return "\(changed) has memory limits out of order: \(mine.values)"
        }
        if Self.bytes(mine.values, .memoryHigh) > Self.bytes(mine.values, .memoryMax) {
            return "\(changed) has memory.high above memory.max"
        }
        let sum = { (file: ControlFile) in
            tree.values.reduce(0) { $0 + Self.bytes($1.values, file) }
        }
        if sum(.memoryMin) > mostMin { return "memory.min adds up to \(sum(.memoryMin))" }
        if sum(.memoryLow) > mostLow { return "memory.low adds up to \(sum(.memoryLow))" }
        return nil
    }

    private static func isInOrder(_ values: [ControlKey: String]) -> Bool {
        let files: [ControlFile] = [.memoryMin, .memoryLow, .memoryHigh, .memoryMax]
        let bytes = files.map { Self.bytes(values, $0) }
        return zip(bytes, bytes.dropFirst()).allSatisfy { $0 <= $1 }
    }

    private static func bytes(_ values: [ControlKey: String], _ file: ControlFile) -> Double {
        Double(values[ControlKey(file)] ?? file.standard) ?? .infinity
    }
}

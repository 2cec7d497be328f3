package import PoiseModel

/// A random set of control groups that obeys the invariants of every plan, and the same again for
/// the same machine: the two ends of a transition.
package struct RandomControlGroups {
    package let pus: Int
    /// Whole cores; SMT-like pairs on some machines.
    package let cores: [CPUSet]
    package let usable: CPUSet
    private let names: [FeatureID]
    private let hasSettings: Bool

    /// A machine of 2…24 PUs, or of so many, and 1…8 features.
    package init(using random: inout SeededGenerator, settings: Bool = true, pus: Int? = nil) {
        let isSMT = Bool.random(using: &random)
        let size = Int.random(in: 1...12, using: &random)
        let count = pus ?? (isSMT ? 2 * size : .random(in: 2...24, using: &random))
        self.pus = count
        cores = stride(from: 0, to: count, by: isSMT ? 2 : 1).map {
            CPUSet($0..<($0 + (isSMT ? 2 : 1)))
        }
        let reserved = cores.count > 2 && Bool.random(using: &random) ? 1 : 0
        usable = CPUSet(cores.dropFirst(reserved).flatMap { Array($0) })
        let most = min(8, cores.count)
        names = (0..<Int.random(in: 1...most, using: &random)).compactMap { FeatureID("f\($0)") }
        hasSettings = settings
    }

    /// Groups of some of the features.
    package func groups(using random: inout SeededGenerator) -> [FeatureID: ControlGroup] {
        var free = cores.filter { $0.isSubset(of: usable) }.shuffled(using: &random)
        var groups: [FeatureID: ControlGroup] = [:]
        var sharing: [FeatureID] = []
        let pool = free.count > 1 ? Int.random(in: 0...(free.count / 2), using: &random) : 0
        let shared = CPUSet(free.prefix(pool).flatMap { Array($0) })
        free.removeFirst(pool)
        for name in names where Int.random(in: 0..<8, using: &random) > 0 {
            var group = ControlGroup()
            if pool > 0, Int.random(in: 0..<3, using: &random) == 0 { sharing.append(name) }
            let most = min(free.count, Int.random(in: 1...max(1, cores.count / 2), using: &random))
            if sharing.last != name, most > 0 {
                let take = Int.random(in: 1...most, using: &random)
                group.exclusive = CPUSet(free.prefix(take).flatMap { Array($0) })
                free.removeFirst(take)
                group.cpus = group.exclusive
                if pool > 0, Int.random(in: 0..<5, using: &random) == 0 { sharing.append(name) }
            } else if pool > 0, sharing.last != name {
                sharing.append(name)
            }
            if sharing.last == name {
                group.cpus.formUnion(somePart(of: shared, using: &random))
            }
            if group.cpus.isEmpty { continue }
            group.fewestCPUs = .random(in: 1...group.cpus.count, using: &random)
            if Bool.random(using: &random) { group.fewestCPUs = 1 }
            if hasSettings { group.values = settings(of: group, using: &random) }
            groups[name] = group
        }
        return groups
    }

    private func somePart(of pool: CPUSet, using random: inout SeededGenerator) -> CPUSet {
        if Bool.random(using: &random) { return pool }
        let some = pool.filter { _ in Bool.random(using: &random) }
        return some.isEmpty ? pool : CPUSet(some)
    }

    private func settings(
        of group: ControlGroup, using random: inout SeededGenerator
    ) -> [ControlKey: String] {
        var values: [ControlKey: String] = [:]
        let idle = Int.random(in: 0..<6, using: &random) == 0
        values[ControlKey(.cpuIdle)] = idle ? "1" : "0"
        if !idle {
            values[ControlKey(.cpuWeight)] = ["50", "100", "300"].randomElement(using: &random)
        }
        values[ControlKey(.cpuMax)] =
            group.exclusive.isEmpty
            ? ["max 100000", "50000 100000", "150000 100000"].randomElement(using: &random)
            : "max 100000"
        var bytes = Int.random(in: 0...3, using: &random) << 20
        for file: ControlFile in [.memoryMin, .memoryLow, .memoryHigh, .memoryMax] {
            // Enough for a small program to live.
            if file == .memoryHigh { bytes += 64 << 20 }
            values[ControlKey(file)] = "\(bytes)"
            bytes += Int.random(in: 0...3, using: &random) << 20
        }
        if Bool.random(using: &random) { values[ControlKey(.memoryMax)] = "max" }
        values[ControlKey(.pidsMax)] = ["max", "64", "500"].randomElement(using: &random)
        values[ControlKey(.cpusetMems)] = "0"
        return values
    }
}

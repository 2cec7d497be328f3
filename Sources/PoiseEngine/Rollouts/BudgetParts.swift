package import PoiseModel

// What two versions of one plugin have while both run: what its feature has, divided.
extension FeaturePolicy {
    /// The feature's budget in two parts, which together are the whole.
    ///
    /// - Cores are divided exactly. Both versions share cores, also where the feature has its own:
    ///   one core cannot be divided otherwise, and on the same cores they can be compared.
    /// - Memory is divided exactly. Its limit follows the share only as far as there is more than
    ///   both need: a version does not get smaller when its limit does, and the new one is taken to
    ///   need what the old one uses.
    /// - What must be at least 1 (weights, limits of block devices, accelerators) is so on both
    ///   sides.
    /// - `pids.max` is left to both: who may not start threads does not start.
    ///
    /// - Parameters:
    ///   - share: of the new version, per cent.
    ///   - bytesInUse: memory that the old version uses.
    package func parts(
        share: Int, bytesInUse: Int? = nil
    ) -> (old: FeaturePolicy, new: FeaturePolicy) {
        var (old, new) = (self, self)
        (old.sharing, new.sharing) = (.shared, .shared)
        (old.partition, new.partition) = (.member, .member)
        for coreClass in CoreClass.allCases {
            guard let wish = cores[coreClass] else { continue }
            let part = wish.part(share)
            new.cores[coreClass] = part
            old.cores[coreClass] = wish.without(part)
        }
        new.memory = memory.part(share, bytesInUse: bytesInUse)
        old.memory = memory.without(new.memory)
        for (size, bytes) in hugePages {
            new.hugePages[size] = bytes * share / 100
            old.hugePages[size] = bytes - bytes * share / 100
        }
        (old.weight, new.weight) = Divided.sides(of: weight, share)
        if let ioWeight { (old.ioWeight, new.ioWeight) = Divided.sides(of: ioWeight, share) }
        (old.gpuBytes, new.gpuBytes) = Divided.sides(of: gpuBytes, share)
        (old.npuPercent, new.npuPercent) = Divided.sides(of: npuPercent, share)
        for index in ioLimits.indices {
            (old.ioLimits[index], new.ioLimits[index]) = ioLimits[index].parts(share)
        }
        return (old, new)
    }
}

private enum Divided {
    /// Two parts of which none is nothing, where there is enough for two; what is nothing, and
    /// what cannot be divided, is the same for both.
    static func sides(of whole: Int, _ share: Int) -> (old: Int, new: Int) {
        guard whole > 1 else { return (whole, whole) }
        let new = min(max(whole * share / 100, 1), whole - 1)
        return (whole - new, new)
    }

    static func sides(of whole: Int?, _ share: Int) -> (old: Int?, new: Int?) {
        guard let whole else { return (nil, nil) }
        let (old, new) = sides(of: whole, share)
        return (old, new)
    }
}

extension CoreWish {
    fileprivate func part(_ share: Int) -> CoreWish {
        CoreWish(
            min: min * share / 100, want: want * share / 100, max: max * share / 100,
            fallback: fallback)
    }

    fileprivate func without(_ part: CoreWish) -> CoreWish {
        CoreWish(
            min: min - part.min, want: want - part.want, max: max - part.max, fallback: fallback)
    }
}

extension MemoryWish {
    /// What a host and a small plugin need to start, where half of the whole is not less.
    private static let enoughToStart = 64 << 20

    fileprivate func part(_ share: Int, bytesInUse: Int?) -> MemoryWish {
        var part = self
        part.min = min * share / 100
        part.want = want * share / 100
        part.swap = swap.map { $0 * share / 100 }
        guard let max else { return part }
        let least = Swift.min(MemoryWish.enoughToStart, max / 2)
        // An eighth more than it uses now, so that it is not at its limit at once.
        let needed = Swift.max(least, (bytesInUse ?? 0) / 8 * 9)
        let kept = Swift.min(needed, max - least)
        // The new version will hardly need less than the old one, however little it has to do.
        let most = Swift.max(least, Swift.min(Swift.max(max * share / 100, needed), max - kept))
        part.max = most
        // On both sides what is wanted stays below the limit, and what is kept below the want.
        part.want = Swift.min(Swift.max(part.want, want - (max - most)), most)
        part.min = Swift.min(Swift.max(part.min, min - (want - part.want)), part.want)
        return part
    }

    fileprivate func without(_ part: MemoryWish) -> MemoryWish {
        var rest = self
        rest.min = min - part.min
        rest.want = want - part.want
        rest.swap = swap.map { $0 - (part.swap ?? 0) }
        rest.max = max.map { $0 - (part.max ?? 0) }
        return rest
    }
}

extension IOLimit {
    fileprivate func parts(_ share: Int) -> (old: IOLimit, new: IOLimit) {
        var (old, new) = (self, self)
        (old.readBytes, new.readBytes) = Divided.sides(of: readBytes, share)
        (old.writeBytes, new.writeBytes) = Divided.sides(of: writeBytes, share)
        (old.readOperations, new.readOperations) = Divided.sides(of: readOperations, share)
        (old.writeOperations, new.writeOperations) = Divided.sides(of: writeOperations, share)
        return (old, new)
    }
}

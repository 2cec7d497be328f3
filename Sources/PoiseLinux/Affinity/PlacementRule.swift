package import PoiseModel

/// When a thread or process is put where the placement says, and when it is left alone.
///
/// It is moved when it has what the placement in force before gave it, and when it takes more than
/// the new one allows. One that holds itself to less is left alone: workers pin themselves to
/// single cores of their set, and background threads make themselves nicer.
package enum PlacementRule {
    /// The mask to set, or nil when `mask` stays.
    package static func cpus(
        has mask: CPUSet, old: AffinityPlacement?, new: AffinityPlacement
    ) -> CPUSet? {
        if mask == new.cpus { return nil }
        if mask == old?.cpus || mask.isEmpty || !mask.isSubset(of: new.cpus) { return new.cpus }
        return nil
    }

    /// The nice value to set, or nil when `nice` stays.
    package static func nice(
        has nice: Int, old: AffinityPlacement?, new: AffinityPlacement
    ) -> Int? {
        if nice == new.nice { return nil }
        return nice == old?.nice || nice < new.nice ? new.nice : nil
    }

    /// The class to set, or nil when `scheduling` stays.
    package static func scheduling(
        has scheduling: SchedulingClass, old: AffinityPlacement?, new: AffinityPlacement
    ) -> SchedulingClass? {
        if scheduling == new.scheduling { return nil }
        if scheduling == old?.scheduling || scheduling.modesty < new.scheduling.modesty {
            return new.scheduling
        }
        return nil
    }

    /// The limit to set, or nil when `limit` stays.
    ///
    /// Without a wish only the old wish is taken back, as far as `limit.hard` allows.
    package static func memory(
        has limit: ResourceLimit, old: AffinityPlacement?, new: AffinityPlacement
    ) -> ResourceLimit? {
        var wanted = limit
        if let bytes = new.memoryMaxBytes {
            wanted.soft = bytes
            if let hard = limit.hard, hard < bytes { wanted.hard = bytes }
            guard let soft = limit.soft else { return wanted }
            return soft != bytes && (soft == old?.memoryMaxBytes || soft > bytes) ? wanted : nil
        }
        guard let before = old?.memoryMaxBytes, limit.soft == before, limit.soft != limit.hard
        else { return nil }
        wanted.soft = limit.hard
        return wanted
    }
}

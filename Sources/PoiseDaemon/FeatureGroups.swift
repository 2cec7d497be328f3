import PoiseEngine
import PoiseLinux
import PoiseModel

/// The cgroups of the features: what they are held to, and the way to what they are to be held to.
struct FeatureGroups {
    /// Why a change was not made; everything is as it was before.
    struct Refusal: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    let folder: CgroupFolder
    let support: ControlSupport
    private var tree: ControlTree<CgroupFolder>
    /// What each group is held to, and which of its CPUs are nobody else's.
    private(set) var held: [FeatureID: ControlGroup] = [:]
    /// What the policy asks for each feature and this host does not hold.
    private(set) var notHeld: [FeatureID: [NotHeld]] = [:]

    /// Drift that could not be mended, told once.
    private var unmendable: Set<String> = []
    /// Settings that the kernel has refused, by the value; the same is not tried again at once.
    private var refusedSettings: [FeatureID: [ControlKey: RefusedSetting]] = [:]

    private struct RefusedSetting {
        var feature: FeatureID
        var key: ControlKey
        var value: String
        var because: String
    }

    init(_ folder: CgroupFolder) {
        self.folder = folder
        support = FeatureGroups.support(folder)
        tree = ControlTree(folder)
    }

    private static func support(_ folder: CgroupFolder) -> ControlSupport {
        var support = ControlSupport()
        for file in ControlFile.allCases where !folder.hasFile(file) {
            support.files.remove(file)
            support.lacking[file] = folder.failures[file.controller].map { error in
                "the controller \(file.controller) is not there: "
                    + (error.advice ?? error.description)
            }
        }
        return support
    }

    /// With the block devices that a feature names, as they are numbered now.
    private func support(for feature: FeaturePolicy) -> ControlSupport {
        var support = support
        for limit in feature.ioLimits {
            support.devices[limit.device] = BlockDevice.number(of: limit.device)
        }
        return support
    }

    /// Kernel writes so far.
    var writes: Int { tree.writes }

    /// What features are to be held to; nil takes a group away.
    typealias Targets = [FeatureID: ResourceAllocation?]

    /// Leads the groups to `targets`, all or none; groups that are not named stay as they are.
    ///
    /// A setting that the kernel refuses (a block device that is gone) is left out and told, so
    /// that it keeps nothing else from being held; CPUs that are refused refuse the whole change.
    mutating func hold(
        _ targets: Targets, _ policy: Policy, on machine: Machine, reserved: CPUSet
    ) throws(Refusal) {
        while true {
            guard let refused = try tryToHold(targets, policy, on: machine, reserved: reserved)
            else { return }
            refusedSettings[refused.feature, default: [:]][refused.key] = refused
        }
    }

    /// Gives the setting that was refused, when it was only a setting.
    private mutating func tryToHold(
        _ targets: Targets, _ policy: Policy, on machine: Machine, reserved: CPUSet
    ) throws(Refusal) -> RefusedSetting? {
        var wanted = held
        var lacking = notHeld
        for (feature, target) in targets {
            guard let target, let asks = policy[feature] else {
                if target == nil {
                    wanted[feature] = nil
                    drop(feature)
                }
                continue
            }
            let budget = ControlBudget(
                target, of: asks, on: machine, support(for: asks), inForce: held[feature])
            wanted[feature] = budget.group
            lacking[feature] = budget.notHeld
        }
        leaveOutRefused(&wanted, &lacking)
        try checkOwners(wanted)
        divide(machine.pus.subtracting(reserved), &wanted, &lacking)
        let transition = Transition.steps(
            from: held, to: wanted, usable: machine.pus.subtracting(reserved),
            cores: machine.cores.map(\.pus))
        if !transition.stuck.isEmpty {
            let names = transition.stuck.map(\.name).joined(separator: ", ")
            throw Refusal(
                description: "there is no safe order of writes that moves \(names) (free a core, "
                    + "or lower a minimum)")
        }
        if let refused = try perform(transition.steps, &wanted, &lacking) { return refused }
        held = wanted
        notHeld = lacking.filter { wanted[$0.key] != nil }
        return nil
    }

    /// Forgets a group; its folder is removed now or when nobody is in it any more.
    private mutating func drop(_ feature: FeatureID) {
        held[feature] = nil
        refusedSettings[feature] = nil
        tree.forget(feature)
        guard !folder.isPopulated(feature) else { return }
        do throws(SystemError) {
            try folder.remove(feature)
        } catch {
            // It is looked at again every second.
            return
        }
    }

    /// What the kernel has refused before stays as it is.
    private func leaveOutRefused(
        _ wanted: inout [FeatureID: ControlGroup], _ lacking: inout [FeatureID: [NotHeld]]
    ) {
        for (feature, settings) in refusedSettings {
            for (key, refused) in settings where wanted[feature]?.values[key] == refused.value {
                wanted[feature]?.values[key] = held[feature]?.values[key]
                lacking[feature, default: []].append(
                    NotHeld(setting: key.description, because: refused.because))
            }
        }
    }

    /// Whatever else has gone wrong: no CPU is one feature's own and another's too.
    private func checkOwners(_ wanted: [FeatureID: ControlGroup]) throws(Refusal) {
        for (feature, group) in wanted {
            for (other, theirs) in wanted where other != feature {
                let both = group.exclusive.intersection(theirs.cpus)
                guard !both.isEmpty else { continue }
                throw Refusal(
                    description: "CPUs \(both) are to be \(feature)'s own and are still \(other)'s")
            }
        }
    }

    /// A partition can only be made below one: where a feature is to be one, so is the cgroup of
    /// all features. What the kernel says against it becomes the features' reason.
    private mutating func divide(
        _ usable: CPUSet, _ wanted: inout [FeatureID: ControlGroup],
        _ lacking: inout [FeatureID: [NotHeld]]
    ) {
        let key = ControlKey(.cpusetPartition)
        let asking = wanted.filter { ($0.value[key] ?? "member") != "member" }.keys.sorted()
        guard !asking.isEmpty else { return }
        guard let because = whyNoPartition(usable) else { return }
        for feature in asking {
            wanted[feature]?.values[key] = held[feature]?[key] == nil ? nil : key.file.standard
            lacking[feature, default: []].append(
                NotHeld(setting: key.description, because: because))
        }
    }

    private func whyNoPartition(_ usable: CPUSet) -> String? {
        do throws(SystemError) {
            _ = try folder.setRoot(.cpusetCPUs, usable.description)
            let made = try folder.setRoot(.cpusetPartition, "root")
            if made == "root" { return nil }
            // Its CPUs stay: the kernel empties no set below which processes run.
            _ = try folder.setRoot(.cpusetPartition, "member")
            return "the cgroup of all features cannot be one: \(made) (give poised a cgroup right "
                + "below the mount, and reserve a core)"
        } catch {
            return "\(error)"
        }
    }

    private mutating func perform(
        _ steps: [ControlStep], _ wanted: inout [FeatureID: ControlGroup],
        _ lacking: inout [FeatureID: [NotHeld]]
    ) throws(Refusal) -> RefusedSetting? {
        for outcome in tree.perform(steps) {
            switch outcome.result {
            case .done, .rolledBack: break
            case .different(let has):
                guard case .write(let feature, let key, let value, _) = outcome.step else { break }
                // A partition that was not to be had went back, and is asked for again later.
                if key.file == .cpusetPartition { wanted[feature]?.values[key] = key.file.standard }
                lacking[feature, default: []].append(
                    NotHeld(
                        setting: key.description,
                        because: "the kernel made \(has) of \(value)"
                            + (outcome.remedy.isEmpty ? "" : " (\(outcome.remedy))")))
            case .refused(let errno):
                let because = "\(errno) (\(outcome.remedy))"
                if case .write(let feature, let key, let value, _) = outcome.step,
                    key.file != .cpusetCPUs, refusedSettings[feature]?[key]?.value != value
                {
                    return RefusedSetting(
                        feature: feature, key: key, value: value, because: because)
                }
                throw Refusal(description: "\(outcome.step): \(because)")
            }
        }
        return nil
    }

    /// Takes over a group that an earlier daemon made, as the kernel has it.
    mutating func adopt(
        _ allocation: ResourceAllocation, of feature: FeaturePolicy, on machine: Machine
    ) throws(SystemError) {
        let budget = ControlBudget(allocation, of: feature, on: machine, support(for: feature))
        let keys = [ControlKey(.cpusetCPUs)] + budget.group.values.keys.sorted()
        var group = try tree.adopt(feature.id, keys)
        group.exclusive = allocation.exclusive.subtracting(allocation.lent)
            .intersection(group.cpus)
        group.fewestCPUs = budget.group.fewestCPUs
        held[feature.id] = group
    }

    /// What others wrote into our groups: whether it is as it should be again, and why not. What
    /// cannot be mended is told once.
    mutating func mendDrift() -> [(drift: ControlDrift, refused: String?)] {
        var told: [(drift: ControlDrift, refused: String?)] = []
        for drift in tree.drift(expected: held) {
            guard let value = held[drift.feature]?[drift.key] else { continue }
            // Each by itself: one that cannot be put back must not undo the others.
            let step = ControlStep.write(drift.feature, drift.key, value: value, was: drift.has)
            guard let outcome = tree.perform([step]).last else { continue }
            if outcome.result == .done {
                told.append((drift, nil))
            } else if unmendable.insert(step.description).inserted {
                told.append((drift, "\(outcome.result) (\(outcome.remedy))"))
            }
        }
        return told
    }

    /// The number of a feature's cgroup; nil when it has none.
    func identity(of feature: FeatureID) -> UInt64? {
        do throws(SystemError) {
            return try folder.identity(of: feature)
        } catch {
            return nil
        }
    }

    /// Takes away a group of this name that is not known, so that the feature can have its own.
    mutating func makeRoom(for feature: FeatureID) throws(SystemError) {
        guard held[feature] == nil, folder.groups().contains(feature) else { return }
        if folder.isPopulated(feature) { try folder.kill(feature) }
        try folder.remove(feature)
        tree.forget(feature)
    }

    /// Removes groups that nobody needs and nobody is in; the others are looked at again later.
    mutating func prune(except isNeeded: (FeatureID) -> Bool) {
        for feature in folder.groups() where !isNeeded(feature) && !folder.isPopulated(feature) {
            do throws(SystemError) {
                try folder.remove(feature)
                held[feature] = nil
                notHeld[feature] = nil
                tree.forget(feature)
            } catch {
                // Somebody came in meanwhile, or is not quite gone; the next time will tell.
                continue
            }
        }
    }
}

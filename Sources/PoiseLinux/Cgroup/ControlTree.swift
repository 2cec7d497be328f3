package import PoiseModel

/// Performs steps on the groups of a control tree, checks each, and undoes a change that is
/// refused.
package struct ControlTree<Files: ControlFiles> {
    package let files: Files
    /// What each group was last asked to hold and took, or holds as it was read (`adopt`). Who owns
    /// which CPUs is not known here: `exclusive` is empty.
    package private(set) var groups: [FeatureID: ControlGroup] = [:]
    /// Files written and groups made and removed so far, refused ones too.
    package private(set) var writes = 0
    package private(set) var reads = 0
    /// What was read back where that is not what was asked.
    private var answers: [FeatureID: [ControlKey: String]] = [:]

    /// `known`: what the groups are known to hold.
    package init(_ files: Files, known: [FeatureID: ControlGroup] = [:]) {
        self.files = files
        groups = known
    }

    /// Reads what a group that is there holds, and knows it from now on. A file that is not there
    /// is left out.
    package mutating func adopt(
        _ feature: FeatureID, _ keys: [ControlKey]
    ) throws(SystemError) -> ControlGroup {
        var group = ControlGroup()
        for key in keys {
            do throws(SystemError) {
                let value = try read(feature, key)
                if key.file == .cpusetCPUs {
                    group.cpus = CPUSet(value) ?? []
                } else {
                    group.values[key] = value
                }
            } catch {
                if error.errno != .noSuchFile { throw error }
            }
        }
        answers[feature] = nil
        groups[feature] = group
        return group
    }

    /// Forgets a group that is gone or was given back.
    package mutating func forget(_ feature: FeatureID) {
        groups[feature] = nil
        answers[feature] = nil
    }

    /// Performs the steps of one change, one after the other.
    ///
    /// Each write is read back. When a step is refused, all before it are undone in reverse order,
    /// so that the tree is as it was. When that is refused too, it stops there: the tree is then in
    /// one of the states on the way, `groups` tells in which, and the last outcome is that of the
    /// step back. Steps that were not tried have no outcome.
    package mutating func perform(_ steps: [ControlStep]) -> [ControlOutcome] {
        var outcomes: [ControlOutcome] = []
        var undo = UndoList()
        for step in steps {
            do throws(SystemError) {
                outcomes.append(try perform(step, noting: &undo))
            } catch {
                outcomes.append(
                    ControlOutcome(
                        step: step, result: .refused(error.errno),
                        remedy: ControlRemedy.text(for: step, error.errno)))
                rollBack(undo, &outcomes)
                return outcomes
            }
        }
        return outcomes
    }

    private mutating func perform(
        _ step: ControlStep, noting undo: inout UndoList
    ) throws(SystemError) -> ControlOutcome {
        let before = groups[step.feature] ?? ControlGroup()
        switch step {
        case .make(let feature):
            try make(feature)
        case .remove(let feature):
            try remove(feature)
        case .write(let feature, let key, let value, _):
            var isTaken = false
            do throws(SystemError) {
                let has = try write(feature, key, value, isTaken: &isTaken)
                undo.add(step, before: before)
                return outcome(of: step, key, has: has)
            } catch {
                // What was taken and cannot be read back is undone like the others.
                if isTaken { undo.add(step, before: before) }
                throw error
            }
        }
        undo.add(step, before: before)
        return ControlOutcome(step: step, result: .done)
    }

    private mutating func outcome(
        of step: ControlStep, _ key: ControlKey, has: String?
    ) -> ControlOutcome {
        guard let has else { return ControlOutcome(step: step, result: .done) }
        return ControlOutcome(
            step: step, result: .different(has),
            remedy: ControlRemedy.text(forDifferent: key, has: has))
    }

    /// Undoes the newest first, until one is refused.
    private mutating func rollBack(_ undo: UndoList, _ outcomes: inout [ControlOutcome]) {
        for (place, back) in undo.steps.enumerated().reversed() {
            for step in back {
                do throws(SystemError) {
                    try performBack(step)
                } catch {
                    let remedy = ControlRemedy.text(for: step, error.errno)
                    outcomes.append(
                        ControlOutcome(
                            step: step, result: .refused(error.errno),
                            remedy: "the change could not be undone either; \(remedy)"))
                    return
                }
            }
            if case .refused = outcomes[place].result { continue }
            outcomes[place].result = .rolledBack
            outcomes[place].remedy = ""
        }
    }

    private mutating func performBack(_ step: ControlStep) throws(SystemError) {
        switch step {
        case .make(let feature): try make(feature)
        case .remove(let feature): try remove(feature)
        case .write(let feature, let key, let value, _):
            var isTaken = false
            _ = try write(feature, key, value, isTaken: &isTaken)
        }
    }
}

// Single operations; each keeps `groups` true.
extension ControlTree {
    private mutating func make(_ feature: FeatureID) throws(SystemError) {
        writes += 1
        try files.make(feature)
        groups[feature] = ControlGroup()
    }

    private mutating func remove(_ feature: FeatureID) throws(SystemError) {
        writes += 1
        try files.remove(feature)
        forget(feature)
    }

    /// Writes and reads back; gives what is there when it is not what was asked.
    private mutating func write(
        _ feature: FeatureID, _ key: ControlKey, _ value: String, isTaken: inout Bool
    ) throws(SystemError) -> String? {
        writes += 1
        try files.write(feature, key.file, ControlText.written(value, to: key))
        isTaken = true
        know(feature, key, value)
        let has = try read(feature, key)
        if ControlText.areEqual(has, value, in: key.file) {
            answers[feature]?[key] = nil
            return nil
        }
        var stays = has
        if key.file == .cpusetPartition, value != key.file.standard {
            // An invalid partition would turn valid by itself at some later time.
            writes += 1
            try files.write(feature, key.file, key.file.standard)
            stays = try read(feature, key)
        }
        answers[feature, default: [:]][key] = stays
        return has
    }

    private mutating func read(
        _ feature: FeatureID, _ key: ControlKey
    ) throws(SystemError) -> String {
        reads += 1
        return ControlText.value(of: key, in: try files.read(feature, key.file))
    }

    private mutating func know(_ feature: FeatureID, _ key: ControlKey, _ value: String) {
        if key.file == .cpusetCPUs {
            groups[feature, default: ControlGroup()].cpus = CPUSet(value) ?? []
            return
        }
        groups[feature, default: ControlGroup()].values[key] = value
        let weight = ControlKey(.cpuWeight)
        if key.file == .cpuIdle, value == "0", groups[feature]?.values[weight] != nil {
            // The kernel sets it back by itself.
            groups[feature]?.values[weight] = weight.file.standard
        }
    }
}

/// A setting that is not as it was last set: somebody else wrote it.
package struct ControlDrift: Equatable, Sendable {
    package var feature: FeatureID
    package var key: ControlKey
    /// What is there now.
    package var has: String

    package init(feature: FeatureID, key: ControlKey, has: String) {
        self.feature = feature
        self.key = key
        self.has = has
    }
}

// What others do to the tree.
extension ControlTree {
    /// Reads all that is set in `expected` and gives what is otherwise; knows it from now on, so
    /// that the steps from `groups` to `expected` mend it. A group or file that cannot be read is
    /// left out: its processes have ended, or its next step will tell.
    package mutating func drift(expected: [FeatureID: ControlGroup]) -> [ControlDrift] {
        var found: [ControlDrift] = []
        for (feature, group) in expected.sorted(by: { $0.key < $1.key })
        where groups[feature] != nil {
            var keys = group.values.keys.filter { $0.file != .cpusetCPUs }.sorted()
            if !group.cpus.isEmpty { keys.insert(ControlKey(.cpusetCPUs), at: 0) }
            for key in keys where !isOutOfForce(key, group) {
                guard let wanted = group[key], let has = present(feature, key) else { continue }
                if ControlText.areEqual(has, wanted, in: key.file) { continue }
                if has == answers[feature]?[key] { continue }
                answers[feature]?[key] = nil
                if key.file == .cpusetCPUs {
                    groups[feature]?.cpus = CPUSet(has) ?? []
                } else {
                    groups[feature]?.values[key] = has
                }
                found.append(ControlDrift(feature: feature, key: key, has: has))
            }
        }
        return found
    }

    /// While a group is idle its weight counts for nothing and reads otherwise.
    private func isOutOfForce(_ key: ControlKey, _ group: ControlGroup) -> Bool {
        key.file == .cpuWeight && group.values[ControlKey(.cpuIdle)] == "1"
    }

    private mutating func present(_ feature: FeatureID, _ key: ControlKey) -> String? {
        do throws(SystemError) {
            return try read(feature, key)
        } catch {
            return nil
        }
    }
}

/// What undoes the steps of a change that are done.
private struct UndoList {
    /// For each step done, the steps back; in the order in which they were done.
    private(set) var steps: [[ControlStep]] = []
    /// Where the step stands that removes a group again that the change made.
    private var removals: [FeatureID: Int] = [:]

    mutating func add(_ step: ControlStep, before: ControlGroup) {
        if case .make = step {
            removals[step.feature] = steps.count
            steps.append([.remove(step.feature)])
        } else if let place = removals[step.feature] {
            // Nobody is in it yet, so it goes at once and not setting by setting.
            steps.append(steps[place])
            steps[place] = []
            removals[step.feature] = steps.count - 1
        } else {
            steps.append(UndoList.back(step, before))
        }
    }

    private static func back(_ step: ControlStep, _ before: ControlGroup) -> [ControlStep] {
        guard case .write(let feature, let key, let value, let was) = step else {
            return [.make(step.feature)] + filling(step.feature, before)
        }
        var back: [ControlStep] = [.write(feature, key, value: was, was: value)]
        let weight = ControlKey(.cpuWeight)
        if key.file == .cpuIdle, was == "0", let weighed = before.values[weight],
            weighed != weight.file.standard
        {
            // The kernel forgets the weight of a group that was idle.
            back.append(.write(feature, weight, value: weighed, was: weight.file.standard))
        }
        return back
    }

    /// The writes that give a fresh group what it had.
    private static func filling(_ feature: FeatureID, _ group: ControlGroup) -> [ControlStep] {
        let isIdle = group.values[ControlKey(.cpuIdle)] == "1"
        let first: [ControlFile] = [.cpusetMems, .memoryHigh, .memoryMax, .memoryLow, .memoryMin]
        let last: [ControlFile] = [.cpusetPartition]
        let rank = { (file: ControlFile) in
            first.firstIndex(of: file) ?? (last.contains(file) ? 100 : 50)
        }
        var keys = group.values.filter { $0.value != $0.key.file.standard }.map(\.key)
        if !group.cpus.isEmpty { keys.append(ControlKey(.cpusetCPUs)) }
        return keys.filter { !(isIdle && $0.file == .cpuWeight) }
            .sorted { (rank($0.file), $0) < (rank($1.file), $1) }
            .compactMap { key in
                group[key].map { .write(feature, key, value: $0, was: key.file.standard) }
            }
    }
}

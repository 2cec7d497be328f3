package import PoiseModel

/// The order in which the control tree is led from one set of groups to another, so that every
/// state on the way is one that a plan could have.
///
/// After every single step:
/// - two groups have a PU (or PUs of one core) in common only where they had it before, where they
///   will have it after, or where it is nobody's own in both: who is to have a PU alone gets it
///   when the last other has left;
/// - no group with processes is without CPUs, or below its fewest (`ControlGroup.fewestCPUs`, or
///   what it had, or what it will have, if that is less);
/// - no group is throttled (`cpu.max`) while it has CPUs of its own;
/// - Σ `memory.min` and Σ `memory.low` are at most what they were or will be; `memory.high` is at
///   most `memory.max`, and protection at most the limits, where that was so before.
///
/// What loosens comes first, what tightens last, and nothing is written that changes nothing.
package struct Transition: Sendable, Equatable {
    package private(set) var steps: [ControlStep] = []
    /// Features that could not be led to their new CPUs through valid states, in the order of their
    /// names.
    ///
    /// Such a one keeps its CPUs, `cpu.max` and partition; its other settings change. One that has
    /// no group yet gets none.
    package private(set) var stuck: [FeatureID] = []

    /// Finds the steps `from` what is `to` what is to be; the same input gives the same steps.
    ///
    /// - Parameters:
    ///   - from: What the groups are set to. One that is only here is removed, first of all: its
    ///     processes must have ended.
    ///   - to: What they are to be set to. One that is only here is made.
    ///   - usable: PUs that features may be on for the length of a few writes.
    ///   - cores: The PUs of each core, where one has several: a core that is somebody's own is
    ///     shared on no way. A PU in none of them is a core by itself.
    package static func steps(
        from: [FeatureID: ControlGroup], to: [FeatureID: ControlGroup], usable: CPUSet,
        cores: [CPUSet] = []
    ) -> Transition {
        if from == to { return Transition() }
        let names = to.keys.sorted()
        var moves = CPUMoves(
            names.map { CPUMove(from: from[$0], to: to[$0] ?? ControlGroup()) }, usable: usable,
            cores: CoreTwins(cores))
        moves.solve()
        let stuck = Set(moves.stuck.map { names[$0] })
        var transition = Transition()
        transition.stuck = stuck.sorted()
        transition.steps = from.keys.filter { to[$0] == nil }.sorted().map(ControlStep.remove)
        var changes = SettingChanges()
        for (name, group) in to.sorted(by: { $0.key < $1.key }) {
            if let before = from[name] {
                changes.add(name, from: before, to: group, isStuck: stuck.contains(name))
            } else if !stuck.contains(name) {
                changes.addNew(name, group)
            }
        }
        transition.steps += changes.steps(before: true)
        transition.steps += moves.writes.map { write in
            .write(
                names[write.member], ControlKey(.cpusetCPUs), value: write.after.description,
                was: write.before.description)
        }
        transition.steps += changes.steps(before: false)
        return transition
    }
}

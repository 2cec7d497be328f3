import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel

/// Gives a core of one feature to another in a cgroup that was delegated to us, and compares with a
/// bare `write(2)` of `cpuset.cpus`.
package struct CgroupApplyBench {
    private let folder: CgroupFolder
    private var tree: ControlTree<CgroupFolder>
    private let giver: FeatureID
    private let taker: FeatureID
    private let usable: CPUSet
    /// With the core that moves, and without.
    private let states: [[FeatureID: ControlGroup]]

    /// Measures below the cgroup in `path`, which nobody may use, and leaves it as it was.
    package static func run(
        in path: String, _ effort: ApplyEffort
    ) throws(BenchFailure) -> ApplyFigures {
        do throws(SystemError) {
            var bench = try CgroupApplyBench(path)
            let runs: [ApplyRun]
            do throws(SystemError) {
                runs = try bench.runs(effort)
            } catch {
                _ = bench.folder.restore()
                throw error
            }
            if let error = bench.folder.restore().first { throw error }
            return ApplyFigures(medianOf: runs, backend: .cgroup2, threads: 1)
        } catch {
            throw BenchFailure("measuring failed on \(path): \(error)")
        }
    }

    private init(_ path: String) throws(SystemError) {
        try CgroupApplyBench.checkUnused(path)
        guard let giver = FeatureID("bench-giver"), let taker = FeatureID("bench-taker") else {
            preconditionFailure("the bench's features have no names")
        }
        self.giver = giver
        self.taker = taker
        let usable = try ThreadSettings.cpus(of: 0)
        self.usable = usable
        let some = Array(usable.prefix(3))
        guard some.count == 3 else {
            throw SystemError(
                "sched_getaffinity", on: "this process", .invalid,
                advice: "moving a core between two features needs three CPUs")
        }
        let group = { (cpus: CPUSet) in ControlGroup(cpus: cpus, exclusive: cpus) }
        states = [
            [giver: group([some[0], some[1]]), taker: group([some[2]])],
            [giver: group([some[0]]), taker: group([some[1], some[2]])],
        ]
        folder = try CgroupFolder.open(path)
        tree = ControlTree(folder)
    }

    /// A cgroup with others below it belongs to somebody, such as a poised at work.
    private static func checkUnused(_ path: String) throws(SystemError) {
        guard let stream = opendir(path) else {
            throw SystemError(
                "open", on: path, Errno(errno), advice: "name a cgroup: --cgroup /sys/fs/cgroup/…")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let first = entry.pointee.d_name.0
            guard entry.pointee.d_type == UInt8(DT_DIR), first != CChar(UInt8(ascii: ".")) else {
                continue
            }
            throw SystemError(
                "open", on: path, Errno(EBUSY),
                advice: "somebody divides it; name an unused one: --cgroup")
        }
    }

    private mutating func runs(_ effort: ApplyEffort) throws(SystemError) -> [ApplyRun] {
        var runs: [ApplyRun] = []
        for _ in 0..<effort.runs { runs.append(try measure(effort.changes)) }
        return runs
    }

    private mutating func measure(_ changes: Int) throws(SystemError) -> ApplyRun {
        try apply(states[0])
        let busy = try [giver, taker].map { (feature) throws(SystemError) in
            try BusyProcess(in: folder.descriptor(of: feature))
        }
        defer { withExtendedLifetime(busy) {} }
        var run = ApplyRun()
        let settled = tree.writes
        for _ in 0..<changes { try apply(states[0]) }
        run.unchangedWrites = tree.writes - settled
        run.unchangedTurns = changes
        let before = tree.writes
        for index in 0..<changes {
            let wanted = states[1 - index % 2]
            run.moves.append(
                try nanoseconds { () throws(SystemError) in try apply(wanted) })
        }
        run.writesPerMove = Double(tree.writes - before) / Double(changes)
        try measureOneWrite(changes, &run)
        try apply(states[0])
        run.sort()
        return run
    }

    /// Ours takes the core and a bare write does, in turn; what gives it back between them is not
    /// measured.
    private mutating func measureOneWrite(
        _ changes: Int, _ run: inout ApplyRun
    ) throws(SystemError) {
        let from = states[0]
        var to = from
        to[giver] = states[1][giver]
        try apply(from)
        let file = try FileDescriptor.open("\(folder.path(of: giver))/cpuset.cpus", O_WRONLY)
        let text = { [giver] (state: [FeatureID: ControlGroup]) in
            Array((state[giver]?.cpus.description ?? "").utf8) + [10]
        }
        let (more, less) = (text(from), text(to))
        for _ in 0..<changes {
            run.oneWrites.append(
                try nanoseconds { () throws(SystemError) in try apply(to, from: from) })
            try file.writeAll(more)
            run.bareWrites.append(
                try nanoseconds { () throws(SystemError) in try file.writeAll(less) })
            try file.writeAll(more)
        }
        // The tree believes that the core is gone.
        try apply(from, from: to)
    }

    private mutating func apply(
        _ to: [FeatureID: ControlGroup], from: [FeatureID: ControlGroup]? = nil
    ) throws(SystemError) {
        let transition = Transition.steps(from: from ?? known, to: to, usable: usable)
        for outcome in tree.perform(transition.steps) {
            if case .refused(let errno) = outcome.result {
                throw SystemError(
                    "write", on: "\(outcome.step)", errno, advice: outcome.remedy)
            }
        }
    }

    /// What the tree holds; who owns which CPUs is not known there.
    private var known: [FeatureID: ControlGroup] {
        tree.groups.mapValues { group in
            ControlGroup(cpus: group.cpus, exclusive: group.cpus, values: group.values)
        }
    }
}

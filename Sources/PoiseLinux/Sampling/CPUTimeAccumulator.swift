/// Adds up the CPU time of a changing set of processes so that the sum never goes backwards.
///
/// A process's own time and that of the children it waited for are counted apart. When a process
/// disappears, its time either comes back in the children's time of one that waited for it, or is
/// lost to us (its parent ignores its end, or it was handed to a process outside of the set). So a
/// step adds the growth of the processes' own times, plus the growth of their children's times
/// beyond what the processes that disappeared had already been counted with.
///
/// Times are in any one unit, which is called a tick here.
package struct CPUTimeAccumulator: Sendable, Equatable {
    /// One process at one moment.
    package struct Reading: Sendable, Equatable {
        package var pid: ProcessID
        package var startTicks: Int
        package var ownTicks: Int
        package var childrenTicks: Int

        package init(pid: ProcessID, startTicks: Int, ownTicks: Int, childrenTicks: Int) {
            self.pid = pid
            self.startTicks = startTicks
            self.ownTicks = ownTicks
            self.childrenTicks = childrenTicks
        }
    }

    private struct Identity: Hashable {
        var pid: ProcessID
        var startTicks: Int
    }

    package private(set) var totalTicks = 0
    private var last: [Identity: Reading] = [:]
    private let rounding: Int
    /// What was counted of processes that disappeared and has not come back with their parents,
    /// where that may still come because children's times are told rounded down.
    private var ahead = 0

    /// - Parameter rounding: by how much less a child's time may come back with its parent, because
    ///   the kernel tells it in a coarser unit.
    package init(rounding: Int = 0) { self.rounding = rounding }

    /// Takes in what all processes of the set have used by now.
    package mutating func update(_ readings: [Reading]) {
        var own = 0
        var children = 0
        var now: [Identity: Reading] = [:]
        for reading in readings {
            let identity = Identity(pid: reading.pid, startTicks: reading.startTicks)
            let before = last.removeValue(forKey: identity)
            own += max(0, reading.ownTicks - (before?.ownTicks ?? 0))
            children += max(0, reading.childrenTicks - (before?.childrenTicks ?? 0))
            now[identity] = reading
        }
        let counted = last.values.reduce(0) { $0 + $1.ownTicks + $1.childrenTicks }
        let back = children - counted - ahead
        totalTicks += own + max(0, back)
        ahead = min(max(0, -back), ahead + last.count * rounding, 64 * rounding)
        last = now
    }
}

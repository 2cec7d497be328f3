import PoiseModel

/// Holds processes to a placement by the masks, classes, nice values and limits of their threads,
/// which needs no delegation and no privilege over one's own processes.
///
/// New threads and processes inherit from the thread that makes them. So all threads of all
/// descendants are visited until a pass meets no new one that had to be changed, or the kernel has
/// given out no number since the pass began: from then on every one that could make another has the
/// new settings. (One that is being made in that very moment is put back by the next `verify`.)
/// Everything is read before it is written, and
/// what would change nothing is not written. Where the kernel groups threads by session, a session
/// gets the nice value too. `PlacementRule` tells who is left alone; threads of a
/// real-time policy keep it and their nice value.
package struct AffinityBackend: Sendable {
    /// How many system calls have written something, ever.
    package private(set) var writes = 0

    /// Who was there when the kernel had given out the number `newest`: all that there are as long
    /// as it has given out no other.
    private struct Listing {
        var newest: Int
        var processes: [(process: ProcessID, threads: [ProcessID])]
    }

    private var listings: [[ProcessID]: Listing] = [:]
    /// More than there are features: who it belongs to has ended long ago.
    private static let mostListings = 1024

    /// Processes that start new ones faster than they can be listed are given up after as many.
    private static let mostPasses = 50

    package init() {}

    /// Moves all threads of `roots` and of all processes below them from `old` to `placement`.
    package mutating func apply(
        _ placement: AffinityPlacement, replacing old: AffinityPlacement?, to roots: [ProcessID]
    ) -> [AffinityOutcome] {
        var tally = AffinityTally()
        var visited: Set<ProcessID> = []
        for _ in 0..<Self.mostPasses {
            let newest = ProcessFiles.newest
            let processes = list(roots, newest)
            let written = pass(placement, old, processes, &visited, &tally)
            tally.unsettled = written
            if written == 0 { break }
            if let newest, newest == ProcessFiles.newest {
                tally.unsettled = 0
                break
            }
        }
        return tally.outcomes
    }

    /// Puts back what has drifted out of `placement` and counts it as applied.
    package mutating func verify(
        _ placement: AffinityPlacement, _ roots: [ProcessID]
    ) -> [AffinityOutcome] {
        apply(placement, replacing: placement, to: roots)
    }

    /// All processes from `roots` down with their threads; `newest` was read before.
    private mutating func list(
        _ roots: [ProcessID], _ newest: Int?
    ) -> [(process: ProcessID, threads: [ProcessID])] {
        if let known = listings[roots], known.newest == newest { return known.processes }
        let processes = ProcessTree.tree(of: roots).map { process in
            (process: process, threads: ProcessTree.threads(of: process))
        }
        if listings.count >= Self.mostListings { listings = [:] }
        listings[roots] = newest.map { Listing(newest: $0, processes: processes) }
        return processes
    }

    /// Visits the threads that were not there in a pass before; how many of them were written to.
    private mutating func pass(
        _ placement: AffinityPlacement, _ old: AffinityPlacement?,
        _ processes: [(process: ProcessID, threads: [ProcessID])],
        _ visited: inout Set<ProcessID>, _ tally: inout AffinityTally
    ) -> Int {
        var changed = 0
        // Where it only moves, the rest is as it was, or `verify` finds out.
        let onlyMoves =
            old.map { $0 != placement && $0.differsOnlyInCPUs(from: placement) } ?? false
        for (process, threads) in processes {
            for thread in threads where visited.insert(thread).inserted {
                let before = writes
                tally.count(.cpus, cpus(thread, old, placement))
                if onlyMoves {
                    if writes != before { changed += 1 }
                    continue
                }
                if thread == process { visit(process, placement, old, &tally) }
                let (scheduling, nice) = precedence(thread, old, placement)
                tally.count(.scheduling, scheduling)
                tally.count(.nice, nice)
                if writes != before { changed += 1 }
            }
        }
        return changed
    }

    /// What belongs to a process and not to each of its threads.
    private mutating func visit(
        _ process: ProcessID, _ new: AffinityPlacement, _ old: AffinityPlacement?,
        _ tally: inout AffinityTally
    ) {
        if let result = memory(process, old, new) { tally.count(.memory, result) }
        guard let nice = Autogroup.nice(of: process) else { return }
        let result = attempt { () throws(SystemError) in
            guard let wanted = PlacementRule.nice(has: nice, old: old, new: new) else {
                return false
            }
            try Autogroup.setNice(wanted, of: process)
            return true
        }
        tally.count(.session, result)
    }

    private mutating func cpus(
        _ thread: ProcessID, _ old: AffinityPlacement?, _ new: AffinityPlacement
    ) -> SettingResult {
        attempt { () throws(SystemError) in
            let has = try ThreadSettings.cpus(of: thread)
            guard let wanted = PlacementRule.cpus(has: has, old: old, new: new) else {
                return false
            }
            try ThreadSettings.setCPUs(wanted, of: thread)
            return true
        }
    }

    private mutating func precedence(
        _ thread: ProcessID, _ old: AffinityPlacement?, _ new: AffinityPlacement
    ) -> (scheduling: SettingResult, nice: SettingResult) {
        let has: SchedulingClass
        do throws(SystemError) {
            guard let found = try ThreadSettings.scheduling(of: thread) else {
                return (.unchanged, .unchanged)
            }
            has = found
        } catch {
            return (Self.result(of: error), Self.result(of: error))
        }
        let scheduling = attempt { () throws(SystemError) in
            guard let wanted = PlacementRule.scheduling(has: has, old: old, new: new) else {
                return false
            }
            try ThreadSettings.setScheduling(wanted, of: thread)
            return true
        }
        let nice = attempt { () throws(SystemError) in
            let has = try ThreadSettings.nice(of: thread)
            guard let wanted = PlacementRule.nice(has: has, old: old, new: new) else {
                return false
            }
            try ThreadSettings.setNice(wanted, of: thread)
            return true
        }
        return (scheduling, nice)
    }

    private mutating func memory(
        _ process: ProcessID, _ old: AffinityPlacement?, _ new: AffinityPlacement
    ) -> SettingResult? {
        if new.memoryMaxBytes == nil && old?.memoryMaxBytes == nil { return nil }
        return attempt { () throws(SystemError) in
            let has = try ThreadSettings.limit(.dataBytes, of: process)
            guard let wanted = PlacementRule.memory(has: has, old: old, new: new) else {
                return false
            }
            try ThreadSettings.setLimit(wanted, of: process)
            return true
        }
    }

    private mutating func attempt(_ write: () throws(SystemError) -> Bool) -> SettingResult {
        do throws(SystemError) {
            guard try write() else { return .unchanged }
            writes += 1
            return .written
        } catch {
            return Self.result(of: error)
        }
    }

    private static func result(of error: SystemError) -> SettingResult {
        error.errno == .noSuchProcess || error.errno == .noSuchFile ? .gone : .refused(error.errno)
    }
}

import CLinux
import Glibc
import PoiseModel

/// Takes care of the processes that a command leaves behind.
package enum Subreaper {
    /// A process that ended as a child of ours without our having started it.
    package struct ReapedOrphan: Equatable, Sendable {
        package var pid: ProcessID
        package var status: ProcessEnd
    }

    /// Makes orphaned descendants children of this process instead of init's
    /// (`PR_SET_CHILD_SUBREAPER`).
    package static func become() throws(SystemError) {
        _ = try linuxCall("prctl(PR_SET_CHILD_SUBREAPER)", on: "this process") {
            poise_become_subreaper()
        }
    }

    /// The children of this process that are not known to it, running or ended, in order.
    package static func orphans(unless isKnown: (ProcessID) -> Bool) -> [ProcessID] {
        ProcessTree.children(of: getpid()).filter { !isKnown($0) }.sorted()
    }

    /// Takes the exits of ended children that are not known; those of known ones are left to
    /// their owners (`waitid(2)`).
    package static func reapOrphans(
        unless isKnown: (ProcessID) -> Bool
    ) throws(SystemError) -> [ReapedOrphan] {
        var result: [ReapedOrphan] = []
        for pid in orphans(unless: isKnown) {
            var end = poise_exit()
            do throws(SystemError) {
                let found = try linuxCall("waitid", on: "process \(pid)") {
                    poise_reap_process(pid, &end)
                }
                if found == 1 { result.append(ReapedOrphan(pid: pid, status: ProcessEnd(end))) }
            } catch {
                if error.errno != Errno(ECHILD) { throw error }
            }
        }
        return result
    }
}

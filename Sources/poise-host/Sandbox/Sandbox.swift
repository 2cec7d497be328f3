import CLibcap
import CLinux
import Glibc
import PoiseModel

/// What keeps a plugin from what it need not do; nothing leads out of it again.
///
/// Entered before the first line of a plugin is run and before there is a second thread. In this
/// order: no new privileges; files, by the kernel's Landlock, while all of them can be named; no
/// capabilities; nobody looks in; and last the filter of system calls.
enum Sandbox {
    /// Enters it, and gives what of it this machine lacks, a text each. What fails for another
    /// reason ends the process: a plugin never runs with less than what was asked for.
    static func enter(_ settings: SandboxSettings, plugin: String) -> [String] {
        demand(poise_host_no_new_privileges(), "giving up new privileges")
        guard settings.isFull else { return [] }
        let files = FileRules(settings, plugin: plugin)
        let overlooksTruncation = files.overlooksTruncation
        var lacking = files.enter()
        giveUpCapabilities()
        demand(poise_host_not_dumpable(), "closing the process to others")
        lacking += SystemCallFilter.enter(refusingTruncation: overlooksTruncation)
        return lacking
    }

    /// All of them in one text, for people; nil when nothing is lacking.
    static func words(_ lacking: [String]) -> String? {
        lacking.isEmpty ? nil : "the sandbox is not whole here: " + lacking.joined(separator: "; ")
    }

    // The mode needs CAP_SETPCAP itself; whoever lacks that can have no capability from a program
    // either, because no new privileges are to be had.
    private static func giveUpCapabilities() {
        if cap_set_mode(CAP_MODE_NOPRIV) == 0 { return }
        cap_reset_ambient()
        let none = cap_init()
        defer { cap_free(UnsafeMutableRawPointer(none)) }
        guard cap_set_proc(none) == 0 else {
            HostExit.end(.outside, "giving up capabilities failed: \(Errno(errno))")
        }
    }

    /// Ends the process when a call of `CLinux` has failed.
    static func demand(_ result: Int32, _ what: String) {
        guard result >= 0 else {
            HostExit.end(.outside, "\(what) failed: \(Errno(-result))")
        }
    }
}

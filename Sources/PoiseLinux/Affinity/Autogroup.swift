import Glibc
import PoiseModel

/// The group that the kernel makes of a session, so that sessions share the CPUs evenly
/// (`sched(7)`, The autogroup feature).
///
/// With it a thread's nice value counts only against threads of its own session, and the session's
/// nice value against other sessions. It is without effect below the root of the cgroup tree.
package enum Autogroup {
    /// The nice value of the session that `leader` leads; nil where the kernel makes no such
    /// groups, for a process that leads none, and for our own session.
    package static func nice(of leader: ProcessID) -> Int? {
        guard ProcessFiles.text("/proc/sys/kernel/sched_autogroup_enabled") == "1\n",
            getsid(leader) == leader, getsid(0) != leader
        else { return nil }
        return ProcessFiles.text("/proc/\(leader)/autogroup").flatMap(AutogroupFormat.parse)
    }

    /// Sets it (`/proc/PID/autogroup`); without CAP_SYS_ADMIN the kernel takes one such change of
    /// the whole machine in 100 ms, and gives `EAGAIN` to others.
    package static func setNice(_ nice: Int, of leader: ProcessID) throws(SystemError) {
        let file = try FileDescriptor.open("/proc/\(leader)/autogroup", O_WRONLY)
        try file.writeAll(Array(AutogroupFormat.format(nice).utf8))
    }
}

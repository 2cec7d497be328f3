import Glibc
import PoiseLinux
import PoiseModel

/// A process whose thread never sleeps, so that the kernel has to move it; it ends with us.
final class BusyProcess {
    private let process: ChildProcess

    var pid: ProcessID { process.pid }

    /// - Parameter cgroup: the folder that it is born in; nil keeps ours.
    init(in cgroup: FileDescriptor? = nil) throws(SystemError) {
        var request = SpawnRequest(program: "/bin/sh", arguments: ["-c", "while :; do :; done"])
        request.cgroup = cgroup
        request.parentDeathSignal = SIGKILL
        process = try ChildProcess.spawn(request)
    }

    deinit {
        do throws(SystemError) {
            try process.signal(SIGKILL)
            while try process.reap() == nil { usleep(500) }
        } catch {
            // It has ended already.
            return
        }
    }
}

/// Measures one piece of work by the clock on the wall: the kernel's part counts.
func nanoseconds(_ work: () throws(SystemError) -> Void) throws(SystemError) -> Int {
    let start = MonotonicClock.now
    try work()
    return MonotonicClock.now.nanoseconds - start.nanoseconds
}

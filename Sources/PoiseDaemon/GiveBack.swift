import Glibc
import PoiseHardware
import PoiseLinux
import PoiseModel

/// Gives back what a daemon that crashed had taken over from others, when no other follows it:
/// `poised --give-back`, which systemd runs when the cgroup of all features is stopped.
enum GiveBack {
    private static let patience = Duration.seconds(20)

    /// 0 when nothing is left to be given back, or a daemon is there to do it.
    static func run(_ folder: String, say: @escaping (String) -> Void) -> Int32 {
        guard access(folder, F_OK) == 0 else { return 0 }
        do throws(SystemError) {
            // Held by a daemon as long as it lives.
            let lock = try FolderLock(folder)
            defer { withExtendedLifetime(lock) {} }
            guard let state = Daemon.leftState(in: folder).state, !state.units.isEmpty else {
                return 0
            }
            try giveBack(state.units, say)
            unlink(Daemon.statePath(in: folder))
            return 0
        } catch {
            // The lock is a daemon's, which does it itself.
            if error.errno == .tryAgain { return 0 }
            say("\(error)")
            return 1
        }
    }

    private static func giveBack(
        _ left: [DaemonState.Unit], _ say: @escaping (String) -> Void
    ) throws(SystemError) {
        let machine: Machine
        do {
            machine = try LocalMachine.discover().machine
        } catch {
            throw SystemError("hwloc", on: "this machine", .invalid, advice: "\(error)")
        }
        let epoll = try Epoll()
        let units = UnitFeatures(
            cgroupMount: "/sys/fs/cgroup", machine: { machine }, post: { _ in },
            say: { say("\($1): \($0): \($2)") }, remember: {},
            opened: { bus in
                do throws(SystemError) {
                    try epoll.add(bus.descriptor, token: 1, [.read])
                } catch {
                    say("\(error)")
                }
            })
        for unit in left { units.giveBack(unit.feature, unit.name, unit.origin) }
        let end = MonotonicClock.now + patience
        while !units.units.isEmpty, MonotonicClock.now < end {
            _ = try epoll.wait(timeout: .milliseconds(50))
            units.process()
        }
        for unit in left {
            let isDone = units.units[unit.feature] == nil
            say("\(unit.feature): \(unit.name) \(isDone ? "is given back" : "does not answer")")
        }
    }
}

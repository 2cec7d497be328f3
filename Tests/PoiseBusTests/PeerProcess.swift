import Glibc
import PoiseBus
import PoiseTestSupport

/// A process that runs `bus-peer` over two files of bus memory.
struct PeerProcess {
    /// What all peers of one run have in common.
    struct Run {
        /// `link` or `shared`.
        var kind: String
        var first: Int32
        var second: Int32
        var ringBytes: Int
        var producers: Int
        /// Messages of each producer and lane.
        var count: Int
    }

    let number: pid_t

    init(_ run: Run, _ role: String, index: Int, seed: UInt64) {
        // Far from any number that the files have here.
        let places: (Int32, Int32) = (700, 701)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, run.first, places.0)
        posix_spawn_file_actions_adddup2(&actions, run.second, places.1)
        let words =
            ["bus-peer", run.kind, role]
            + [
                Int(places.0), Int(places.1), run.ringBytes, run.producers, index, run.count,
                Int(seed & 0xFFFF_FFFF),
            ].map(String.init)
        var arguments = words.map { strdup($0) }
        arguments.append(nil)
        var number: pid_t = 0
        let code = posix_spawn(
            &number, Repository.programs + "/bus-peer", &actions, nil, arguments, environ)
        for argument in arguments { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        self.number = code == 0 ? number : -1
    }

    func kill() { if number > 0 { Glibc.kill(number, SIGKILL) } }

    /// How it ended: its exit code, or minus the signal; nil when it still runs (and `waits` is
    /// false).
    func end(waits: Bool) -> Int32? {
        guard number > 0 else { return 127 }
        var status: Int32 = 0
        let got = waitpid(number, &status, waits ? 0 : WNOHANG)
        if got == 0 { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : -signal
    }
}

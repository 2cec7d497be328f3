import Glibc
import PoiseLinux
import PoiseModel

/// The queues of others that the bus is compared with, in a C program of their own
/// (`scripts/bus-peers`), built when it is asked for.
struct BusPeers {
    struct Peer {
        var name: String
        /// What it is, for people.
        var title: String
        var batches: Bool
        /// Through the kernel: of another order of magnitude, so that fewer messages do.
        var isSlow: Bool { ["pipe", "unixSocket", "posixMq", "zeromq"].contains(name) }
    }

    private let program: String
    let peers: [Peer]
    /// Debian packages that would add peers.
    let missing: [String]

    /// - Parameter executable: where `poise` is; the sources are looked for in the folders above.
    init(executable: String) throws(BenchFailure) {
        let folders = ShippedFolder.places(
            of: "scripts/bus-peers", named: nil, executable: executable)
        guard let sources = folders.first(where: { access("\($0)/build", X_OK) == 0 }) else {
            throw BenchFailure(
                "the peers are built from Poise's source tree, and \(executable) is in none"
                    + " (run it from .build/release of a checkout)")
        }
        let root = sources.split(separator: "/").dropLast(2).joined(separator: "/")
        let folder = "/\(root)/.build/bus-peers"
        program = "\(folder)/bus-peers"
        _ = try BusPeers.run("\(sources)/build", [folder])
        missing = try BusPeers.lines(of: "\(folder)/bus-peers.missing")
        peers = try BusPeers.run(program, ["list"]).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3 else { return nil }
            return Peer(
                name: String(words[0]), title: String(words[2]), batches: words[1] == "1")
        }
    }

    /// Messages a second.
    func stream(
        _ peer: Peer, bytes: Int, messages: Int, batch: Int, cpus: BusCPUs
    ) throws(BenchFailure) -> Double {
        let report = try measure(peer, "stream", bytes, messages, batch, cpus)
        guard let time = report["nanoseconds"], time > 0 else {
            throw BenchFailure("measuring failed on \(peer.title): it told no time")
        }
        return Double(messages) * 1e9 / Double(time)
    }

    /// Nanoseconds of a round trip.
    func trip(
        _ peer: Peer, messages: Int, cpus: BusCPUs
    ) throws(BenchFailure) -> (p50: Double, p99: Double) {
        let report = try measure(peer, "trip", 64, messages, 1, cpus)
        guard let p50 = report["p50"], let p99 = report["p99"] else {
            throw BenchFailure("measuring failed on \(peer.title): it told no time")
        }
        return (Double(p50), Double(p99))
    }

    private func measure(
        _ peer: Peer, _ mode: String, _ bytes: Int, _ messages: Int, _ batch: Int, _ cpus: BusCPUs
    ) throws(BenchFailure) -> EndReport {
        let words = [
            peer.name, mode, "\(bytes)", "\(messages)", "\(batch)", "\(cpus.producer)",
            "\(cpus.consumer)",
        ]
        guard let report = EndReport(text: try patiently(words)) else {
            throw BenchFailure("measuring failed on \(peer.title): it said something else")
        }
        return report
    }

    /// A peer may hang, once in some hundred runs; that is not to cost the figures of all others.
    private func patiently(_ words: [String]) throws(BenchFailure) -> String {
        for _ in 1..<3 {
            do throws(BenchFailure) {
                return try BusPeers.run(program, words, within: .seconds(30))
            } catch {
                // Tried again; the last failure is told.
            }
        }
        return try BusPeers.run(program, words, within: .seconds(30))
    }

    /// Runs a program to its end and gives what it printed.
    private static func run(
        _ program: String, _ arguments: [String], within time: Duration = .seconds(120)
    ) throws(BenchFailure) -> String {
        do throws(SystemError) {
            let out = try FileDescriptor.pipe()
            var request = SpawnRequest(
                program: program, arguments: arguments, environment: OwnEnvironment.variables)
            request.parentDeathSignal = SIGKILL
            request.descriptors = [
                1: out.writing,
                2: FileDescriptor(adopting: dup(STDERR_FILENO), name: "standard error"),
            ]
            let process = try ChildProcess.spawn(request)
            request.descriptors = [:]
            return try collect(
                process, out.reading, name: ([program] + arguments).joined(separator: " "), time)
        } catch {
            throw BenchFailure("\(error)")
        }
    }

    private static func collect(
        _ process: ChildProcess, _ output: FileDescriptor, name: String, _ time: Duration
    ) throws(SystemError) -> String {
        var text: [UInt8] = []
        let late = MonotonicClock.now + time
        // Others may hold the writing end; the process's end is what counts.
        while true {
            let end = try process.reap()
            while case .bytes(let bytes) = try output.read() { text += bytes }
            guard let end else {
                var watched = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
                _ = poll(&watched, 1, 5)
                if watched.revents & Int16(POLLHUP) != 0 { usleep(500) }
                if MonotonicClock.now > late {
                    try process.signal(SIGKILL)
                    throw SystemError(
                        "running", on: name, .timedOut, advice: "it did not end within \(time)")
                }
                continue
            }
            guard end == .exited(code: 0) else {
                throw SystemError(
                    "running", on: name, .invalid, advice: "\(end); its error stands above")
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    private static func lines(of path: String) throws(BenchFailure) -> [String] {
        do throws(SystemError) {
            let bytes = try FileDescriptor.open(path, O_RDONLY).readWhole()
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        } catch {
            throw BenchFailure("\(error)")
        }
    }
}

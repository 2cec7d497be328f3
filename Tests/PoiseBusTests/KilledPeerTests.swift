import Glibc
import PoiseBus
import PoiseModel
import PoiseTestSupport
import Testing

/// Real processes over one ring, killed at random moments and started again.
@Suite struct KilledPeerTests {
    private static let isThorough = getenv("POISE_THOROUGH") != nil

    @Test(arguments: ["link", "shared"], 1...3)
    func `nothing is lost, doubled or out of order, whoever is killed whenever`(
        kind: String, seed: UInt64
    ) throws {
        let thorough = KilledPeerTests.isThorough
        let producers = kind == "link" ? 1 : 3
        let bytes = [4096, 16 << 10, 64 << 10][Int(seed % 3)]
        let link = LinkLayout(ringBytes: bytes)
        let shared = SharedLayout(ringBytes: bytes)
        let first = try BusMemory.make(
            name: "test", bytes: kind == "link" ? link.producerFileBytes : shared.dataFileBytes)
        let second = try BusMemory.make(name: "test", bytes: link.consumerFileBytes)
        defer {
            close(first)
            close(second)
        }
        let run = PeerProcess.Run(
            kind: kind, first: first, second: second, ringBytes: bytes, producers: producers,
            count: (thorough ? 400_000 : 6_000) / producers)
        let result = KilledPeers(run, kills: thorough ? 400 : 25, seed: seed).outcome()
        #expect(result.failures.isEmpty, "\(result.failures)")
        #expect(result.kills > 0)
    }
}

/// One run: all peers, some of which are killed again and again.
private struct KilledPeers {
    struct Outcome {
        var kills = 0
        var failures: [String] = []
    }

    private let run: PeerProcess.Run
    private let mostKills: Int
    private var random: SplitMix64
    private var peers: [PeerProcess] = []
    private var isDone: [Bool] = []

    init(_ run: PeerProcess.Run, kills: Int, seed: UInt64) {
        self.run = run
        mostKills = kills
        random = SplitMix64(seed: seed)
        for index in 0...run.producers {
            peers.append(start(index))
            isDone.append(false)
        }
    }

    /// The last one receives.
    private mutating func start(_ index: Int) -> PeerProcess {
        PeerProcess(
            run, index == run.producers ? "receive" : "send", index: index, seed: random.next())
    }

    func outcome() -> Outcome {
        var copy = self
        return copy.all()
    }

    private mutating func all() -> Outcome {
        var outcome = Outcome()
        let deadline = BusClock.now + 300_000_000_000
        while isDone.contains(false) {
            usleep(UInt32(1000 + random.next() % 15_000))
            let victim = Int(random.next() % UInt64(peers.count))
            if outcome.kills < mostKills, !isDone[victim] {
                peers[victim].kill()
                outcome.kills += 1
            }
            for index in peers.indices where !isDone[index] {
                guard let end = peers[index].end(waits: false) else { continue }
                switch end {
                case 0: isDone[index] = true
                case -SIGKILL: peers[index] = start(index)
                default:
                    outcome.failures.append("peer \(index) ended with \(end)")
                    return stop(outcome)
                }
            }
            if BusClock.now > deadline {
                outcome.failures.append("not done in time: \(isDone)")
                return stop(outcome)
            }
        }
        return outcome
    }

    private func stop(_ outcome: Outcome) -> Outcome {
        for index in peers.indices where !isDone[index] {
            peers[index].kill()
            _ = peers[index].end(waits: true)
        }
        return outcome
    }
}

import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

/// The processes of one running feature and everything the daemon holds of them.
final class FeatureProcess {
    let feature: FeatureID
    /// The process that was started, by this daemon or by one before it.
    let handle: ProcessHandle
    /// Nil when an earlier daemon started it: then nobody tells how it ends.
    let child: ChildProcess?
    /// What it runs, as the policy said when it was started.
    let identity: String
    /// The messages to and from the plugin's host; nil for a command.
    let channel: FileDescriptor?
    var output: FeatureOutput
    var load = LoadMeter()
    var report: LoadReport?
    var reportedAt: Instant?
    var errorRate = ErrorRate()
    var health: String?
    /// What its threads are held to.
    var placement: AffinityPlacement?
    /// Settings that the kernel refused, for people.
    var refusals: [String] = []
    /// Threads found outside of their set and put back, ever.
    var drifted = 0
    /// Looks in a row that found such threads.
    var driftsInARow = 0
    /// What it may send, and what of that came and was thrown away here, ever.
    var traffic: FeatureTraffic
    var plugin: (name: String, version: String)?
    /// Whether its host said that it has stopped in order.
    var saidStopped = false
    /// When its host was asked for something that it has not answered yet.
    var askedAt: Instant?
    /// When it was last told to have done what it must not.
    var accusedAt: Instant?
    /// Messages taken since the last tick, and whether no more are until the next.
    var newsSinceTick = 0
    var isMuted = false
    /// Commands that were put into its budget, where no cgroup says so.
    var guests: [ProcessHandle] = []
    /// The number of its cgroup.
    var cgroup: UInt64?
    /// The stage and text of the failure that its host told, until it ends.
    var toldFailure: String?

    init(
        feature: FeatureID, handle: ProcessHandle, child: ChildProcess?, identity: String,
        channel: FileDescriptor?, output: consuming FeatureOutput
    ) {
        self.feature = feature
        self.handle = handle
        self.child = child
        self.identity = identity
        self.channel = channel
        self.output = output
        traffic = FeatureTraffic(now: MonotonicClock.now)
    }

    var pid: ProcessID { handle.pid }

    /// Its process, and those it left behind that still carry its name.
    func roots(orphans: [ProcessID]) -> [ProcessID] {
        guests.removeAll { !$0.isAlive }
        return [pid] + guests.map(\.pid)
            + orphans.filter {
                ProcessFiles.environmentValue(HostLauncher.featureVariable, of: $0) == feature.name
            }
    }

    /// Sends an order to the host; false when it cannot take it.
    func send(_ order: HostOrder) -> Bool {
        guard let channel else { return false }
        let bytes = Array(order.json.description.utf8)
        guard bytes.count <= HostOrder.longest else { return false }
        do throws(SystemError) {
            return try LocalSocket.send(bytes[...], to: channel) == bytes.count
        } catch {
            // Its end is seen by its process; what it was to be told does not matter any more.
            return false
        }
    }

    /// What came of an order with descriptors.
    enum Sending {
        case sent
        /// Its socket is full: to be tried again.
        case later
        /// There is no host any more, or the order is longer than any may be.
        case never
    }

    /// Sends an order with descriptors that the host gets copies of.
    func send(_ order: HostOrder, with descriptors: [FileDescriptor]) -> Sending {
        guard let channel else { return .never }
        let bytes = Array(order.json.description.utf8)
        guard bytes.count <= HostOrder.longest else { return .never }
        do throws(SystemError) {
            let count = try LocalSocket.send(bytes[...], with: descriptors, to: channel)
            return count == nil ? .later : .sent
        } catch {
            return .never
        }
    }

    /// The next datagram of its host; one that is gone has nothing more to say.
    func nextNews() -> FileDescriptor.Reading {
        guard let channel else { return .end }
        do throws(SystemError) {
            return try channel.read(atMost: HostOrder.longest)
        } catch {
            // A killed host resets the connection; how it ended is told by its process.
            return .end
        }
    }

    /// Ends all of its processes, where no cgroup does: again and again, until a pass finds none
    /// that was not killed before. Who is told to die makes no more processes; who was stopped
    /// first may have been in the middle of making one.
    func end(orphans: () -> [ProcessID]) {
        var killed: Set<ProcessID> = []
        for _ in 0..<FeatureProcess.mostPasses {
            let new = living(orphans: orphans()).filter { killed.insert($0).inserted }
            if new.isEmpty { return }
            for pid in new { kill(pid, SIGKILL) }
        }
    }

    /// All of its processes; the number of its first one may be another's once that has ended.
    private func living(orphans: [ProcessID]) -> [ProcessID] {
        let roots = roots(orphans: orphans)
        return ProcessTree.tree(of: handle.isAlive ? roots : roots.filter { $0 != pid })
    }

    static let mostPasses = 100

    /// Sends a signal to all of its processes.
    func signal(_ number: Int32, orphans: [ProcessID]) {
        for pid in ProcessTree.tree(of: roots(orphans: orphans)) where pid != self.pid {
            kill(pid, number)
        }
        do throws(SystemError) {
            // The one that we started cannot be mistaken for a later one of its number.
            try handle.signal(number)
        } catch {
            refusals = ["signal \(number): \(error)"]
        }
    }
}

extension FeatureProcess {
    /// What its end means for the feature's life, in words too; `status` is nil when an earlier
    /// daemon was the one to be told.
    func ending(
        _ status: ProcessEnd?
    ) -> (FeatureLife.Ending, because: String, kind: FailureKind) {
        let words = status.map { "\($0)" } ?? "an earlier poised would have been told how"
        let because = toldFailure.map { "\($0) (\(words))" } ?? words
        switch status {
        case .exited(0): return (.done, because, .crash)
        // Wrong use, ABI or configuration: starting again would not help.
        case .exited(100) where channel != nil: return (.refused, because, .configuration)
        // What lies outside of it failed.
        case .exited(111) where channel != nil: return (.failure, because, .startFailure)
        case .exited(124) where channel != nil: return (.failure, because, .missedDeadline)
        // The system-call filter kills with it.
        case .signalled(let number, _) where number == SIGSYS:
            return (.failure, because, .security)
        case .exited, .signalled: return (.failure, because, .crash)
        case nil: return (saidStopped ? .done : .failure, because, .crash)
        }
    }
}

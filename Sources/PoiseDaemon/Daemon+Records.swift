import Glibc
import PoiseEngine
import PoiseHistory
import PoiseLinux
import PoiseModel
import PoiseWire

// Every turn is written down, so that `poise replay` can compute it again.
extension Daemon {
    /// What the daemon keeps for itself in its state folder.
    static func ownFolder(in stateFolder: String) -> String {
        stateFolder + "/" + StateFolder.own
    }

    /// Two daemons would mix what they keep.
    static func lockState(_ stateFolder: String) throws(SystemError) -> FolderLock? {
        let folder = ownFolder(in: stateFolder)
        do throws(SystemError) {
            try Folder.make(folder)
            return try FolderLock(folder)
        } catch {
            if error.errno == .tryAgain { throw error }
            // What keeps nothing says so itself, and tries again later.
            return nil
        }
    }

    /// A recorder for this run; without the folder it says so itself and tries again later.
    static func makeRecorder(_ stateFolder: String, startedAt: Instant) -> TurnRecorder {
        let folder = ownFolder(in: stateFolder) + "/turns"
        do throws(SystemError) {
            try Folder.make(folder)
        } catch {
            // The recorder finds the same when it opens its first file.
        }
        let wall = Int(WallClock.now)
        return TurnRecorder(
            RecordFolder(folder), version: PoiseVersion.text,
            run: "\(wall)-\(getpid())-\(startedAt.nanoseconds)")
    }

    /// Before the first turn: the engine as it begins.
    func prepareRecords() {
        guard turns == 1 else { return }
        recorder.prepare(
            engine, turn: turns, now: MonotonicClock.now, wallSeconds: Int(wallNow))
    }

    /// Writes a turn down, once it has been performed: nothing waits for that.
    func record(_ inputs: [Input], now: Instant, _ directives: [Directive]) {
        historyFeed.note(directives, wallSeconds: Int(wallNow))
        recorder.add(turn: turns, inputs, now: now, directives, plan: engine.plan)
        recorder.prepare(
            engine, turn: turns + 1, now: MonotonicClock.now, wallSeconds: Int(wallNow))
    }

    /// Writes what has waited, and tells when recording stopped or goes on.
    func lookAfterRecords() {
        recorder.tick(MonotonicClock.now)
        tellOfRecords()
    }

    /// All that is there is written: the daemon ends, or was told to.
    func writeRecords() {
        recorder.flush(MonotonicClock.now)
        tellOfRecords()
    }

    private func tellOfRecords() {
        for text in recorder.takeNews() { say("degraded", nil, text) }
    }
}

import CLinux
import Glibc
package import PoiseLinux
package import PoiseModel
import Synchronization

/// Keeps history on a thread of its own, so that no disk is in the way of the daemon's loop.
///
/// Whatever is asked of it returns at once; answers and remarks ring `bell` and are taken with
/// `takeNews()`.
package final class HistoryKeeper: Sendable {
    /// What comes back from the thread.
    package enum News: Sendable {
        case answer(token: UInt64, FeatureHistory?)
        /// The question could not be answered.
        case noAnswer(token: UInt64, because: String)
        /// Something to tell the operator.
        case remark(String)
    }

    private enum Job: Sendable {
        case add([FeatureMinute], [AllocationChange], now: Int, CPUSet?)
        case ask(token: UInt64, FeatureID, since: Int, now: Int, points: Int)
    }

    private struct State {
        var jobs: [Job] = []
        var news: [News] = []
        var lost = 0
        var isEnding = false
        var hasEnded = false
    }

    /// Jobs that wait for a slow disk; what is beyond is lost and told.
    private static let mostJobs = 256
    /// A question gives at most so many changes.
    private static let mostChanges = 200
    /// Between two tries to open a file that could not be opened.
    private static let retrySeconds = 60
    /// Between two looks for what is too old.
    private static let pruneSeconds = 3600

    /// Readable when there is news.
    package let bell: Doorbell
    private let wake: Doorbell
    private let path: String
    private let state = Mutex(State())

    /// Starts the thread; the file is opened there.
    package init(_ path: String) throws(SystemError) {
        self.path = path
        bell = try Doorbell()
        wake = try Doorbell()
        let body = Unmanaged.passRetained(self)
        let result = poise_host_thread(
            "poised-history",
            { raw in
                guard let raw else { return }
                Unmanaged<HistoryKeeper>.fromOpaque(raw).takeRetainedValue().serve()
            }, body.toOpaque())
        guard result < 0 else { return }
        body.release()
        throw SystemError("pthread_create", on: "the thread of history", Errno(-result))
    }

    /// Keeps minutes and changes; the thread moves to `cpus` first, where the daemon is.
    package func add(
        _ minutes: [FeatureMinute], _ changes: [AllocationChange], now: Int, on cpus: CPUSet?
    ) {
        post(.add(minutes, changes, now: now, cpus))
    }

    /// Asks for what a feature did since a moment; the answer comes with `token`.
    package func ask(
        _ token: UInt64, _ feature: FeatureID, since: Int, now: Int, points: Int
    ) {
        post(.ask(token: token, feature, since: since, now: now, points: points))
    }

    /// What came since the last time.
    package func takeNews() -> [News] {
        do throws(SystemError) { _ = try bell.answer() } catch {}
        return state.withLock { state in
            defer { state.news = [] }
            return state.news
        }
    }

    /// Writes what waits and ends the thread; waits for it at most so long.
    package func finish(within limit: Duration = .seconds(2)) {
        state.withLock { $0.isEnding = true }
        ring(wake)
        let end = MonotonicClock.now + limit
        while MonotonicClock.now < end, !state.withLock({ $0.hasEnded }) { usleep(2000) }
    }

    private func post(_ job: Job) {
        state.withLock { state in
            if state.jobs.count < HistoryKeeper.mostJobs {
                state.jobs.append(job)
            } else {
                state.lost += 1
                if case .ask(let token, _, _, _, _) = job {
                    state.news.append(.noAnswer(token: token, because: "the disk is too slow"))
                }
            }
        }
        ring(wake)
    }

    private func tell(_ news: News) {
        state.withLock { $0.news.append(news) }
        ring(bell)
    }

    /// A doorbell that cannot be rung is a bug; what it was for is found at the next ring.
    private func ring(_ doorbell: Doorbell) {
        do throws(SystemError) { try doorbell.ring() } catch {}
    }
}

// The thread.
extension HistoryKeeper {
    private func serve() {
        var store: HistoryStore?
        var retryAt = MonotonicClock.now
        var isFailing = false
        var cpus: CPUSet?
        while true {
            wait()
            let (jobs, lost, isEnding) = state.withLock { state in
                defer { (state.jobs, state.lost) = ([], 0) }
                return (state.jobs, state.lost, state.isEnding)
            }
            if lost > 0 { tell(.remark("\(lost) minutes of history are lost: the disk is slow")) }
            for job in jobs {
                if case .add(_, _, _, let wanted?) = job, wanted != cpus {
                    cpus = wanted
                    // It only costs a feature a little time when this fails.
                    do throws(SystemError) { try ThreadSettings.setCPUs(wanted, of: 0) } catch {}
                }
                do throws(HistoryStore.Failure) {
                    if store == nil, MonotonicClock.now >= retryAt {
                        retryAt = MonotonicClock.now + .seconds(HistoryKeeper.retrySeconds)
                        store = try HistoryStore(path, now: Int(WallClock.now))
                    }
                    try perform(job, store)
                    if let remark = store?.takeRemark() { tell(.remark(remark)) }
                    if isFailing, store != nil { tell(.remark("history is kept again")) }
                    if store != nil { isFailing = false }
                } catch {
                    if case .ask(let token, _, _, _, _) = job {
                        tell(.noAnswer(token: token, because: "\(error)"))
                    }
                    if !isFailing { tell(.remark("history is not kept: \(error)")) }
                    isFailing = true
                }
            }
            guard isEnding else { continue }
            store = nil
            state.withLock { $0.hasEnded = true }
            return
        }
    }

    private func wait() {
        var entry = pollfd(fd: wake.descriptor.number, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, -1) < 0, errno == EINTR {}
        do throws(SystemError) { _ = try wake.answer() } catch {}
    }

    private func perform(_ job: Job, _ store: HistoryStore?) throws(HistoryStore.Failure) {
        switch job {
        case .add(let minutes, let changes, let now, _):
            guard let store else { return }
            try store.add(minutes, changes)
            // A clock that went back does not put it off for as long as it was ahead.
            let since = now - store.prunedAt
            if since >= HistoryKeeper.pruneSeconds || since < 0 { try store.prune(now: now) }
        case .ask(let token, let feature, let since, let now, let points):
            guard let store else {
                tell(.noAnswer(token: token, because: "no history is kept (poise events says why)"))
                return
            }
            let history = try store.history(
                of: feature, since: since, now: now, points: points,
                changes: HistoryKeeper.mostChanges)
            tell(.answer(token: token, history))
        }
    }
}

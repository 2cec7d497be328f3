import PoiseModel
import Streaming
import StreamingCore
import Synchronization
import Testing

/// Runs jobs on a chosen number of real threads, so that tests can compare one worker with many.
final class JobThreads: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var next = 0
        var isEnding = false
    }

    private let state = Mutex(State())
    private let threads: Mutex<[OwnThread]> = Mutex([])

    init(count: Int) throws {
        for index in 0..<count {
            let thread = try OwnThread(name: "jobs\(index)") { [self] in work() }
            threads.withLock { $0.append(thread) }
        }
    }

    func submit(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append(job) }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    private func work() {
        while true {
            let (job, isOver) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                guard state.next < state.jobs.count else { return (nil, state.isEnding) }
                defer { state.next += 1 }
                return (state.jobs[state.next], false)
            }
            if let job { job() } else if isOver { return } else { Deadline.pause() }
        }
    }
}

/// Collects what a pipeline gives.
final class Results: Sendable {
    private let text = Mutex<[UInt8]>([])
    private let found = Mutex<[Anomaly]>([])

    func take(_ lines: [UInt8], _ anomalies: [Anomaly]) {
        text.withLock { $0 += lines }
        found.withLock { $0 += anomalies }
    }

    var lines: [String] {
        text.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(
            String.init)
    }
    var anomalies: [Anomaly] { found.withLock { $0 } }
}

enum Deadline {
    static func pause() { Doorbell.briefly() }

    /// Looks until something holds; false when it has not within ten seconds.
    static func until(_ holds: () -> Bool) -> Bool {
        let start = SystemClock.now()
        while !holds() {
            if SystemClock.now() - start > .seconds(10) { return false }
            pause()
        }
        return true
    }
}

extension Doorbell {
    /// Lets another thread run for half a millisecond or so.
    static func briefly() {
        guard let bell = try? Doorbell() else { return }
        bell.wait(milliseconds: 1)
    }
}

/// Runs texts through a pipeline, a stream each, and gives the results in order of text.
func run(
    _ texts: [String], settings: Pipeline.Settings, workers: Int = 1, cut: Int = .max,
    format: LineFormat = .json(JSONLayout(defaultKey: "stream"))
) throws -> (lines: [String], anomalies: Int, counters: Counters) {
    let threads = try JobThreads(count: workers)
    let results = Results()
    let pipeline = Pipeline(
        settings: settings,
        surroundings: Pipeline.Surroundings(
            now: { SystemClock.now() }, submit: { threads.submit($0) },
            deliver: { results.take($0, $1) }))
    for text in texts {
        let clock = pipeline.makeClock()
        let stream = pipeline.open(clock: clock, format: format)
        var cutter = LineCutter()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            stream.feed(cutter.cut(Array(rest.prefix(cut))))
            rest = rest.dropFirst(cut)
        }
        stream.feed(cutter.finish())
        stream.close()
        pipeline.end(clock: clock)
    }
    try #require(Deadline.until { pipeline.isIdle })
    threads.end()
    return (results.lines.sorted(), results.anomalies.count, pipeline.counters)
}

/// Jobs that wait until a test runs them.
final class JobList: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])

    func add(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }

    func take() -> [@Sendable () -> Void] {
        jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
    }
}

import PoiseModel

/// What systemd was asked to do to units and has not done yet (`JobRemoved`).
struct UnitJobs {
    /// One start, stop or restart.
    final class Job {
        let member: String
        let unit: String
        let deadline: Instant
        /// Its object, once systemd has answered.
        var path: String?
        /// How it ended, when that was heard before its object was known.
        var early: [(path: String, result: String)] = []
        /// Listens for its end.
        var match: BusMatch?
        private var then: ((Result<JobEnd, SystemError>) -> Void)?

        init(
            member: String, unit: String, deadline: Instant,
            then: @escaping (Result<JobEnd, SystemError>) -> Void
        ) {
            self.member = member
            self.unit = unit
            self.deadline = deadline
            self.then = then
        }

        /// Tells once.
        func end(_ result: Result<JobEnd, SystemError>) {
            let then = self.then
            self.then = nil
            match = nil
            then?(result)
        }

        func fail(_ errno: Errno) {
            end(.failure(SystemError(member, on: unit, errno, advice: "see systemctl list-jobs")))
        }
    }

    private var jobs: [Job] = []

    var firstDeadline: Instant? { jobs.map(\.deadline).min() }

    mutating func add(_ job: Job) { jobs.append(job) }

    mutating func remove(_ job: Job) { jobs.removeAll { $0 === job } }

    /// The jobs whose time is over, which are forgotten.
    mutating func takeOverdue(now: Instant) -> [Job] {
        let overdue = jobs.filter { $0.deadline <= now }
        jobs.removeAll { $0.deadline <= now }
        return overdue
    }

    mutating func takeAll() -> [Job] {
        defer { jobs = [] }
        return jobs
    }
}

/// How a job of systemd's ended (`JobRemoved`).
package enum JobEnd: Equatable, Sendable {
    case done
    /// Another job came in between (`canceled`).
    case cancelled
    /// Anything else, in systemd's word: `failed`, `timeout`, `dependency`, `skipped`, …
    case failed(String)

    init(word: String) {
        switch word {
        case "done": self = .done
        case "canceled": self = .cancelled
        default: self = .failed(word)
        }
    }
}

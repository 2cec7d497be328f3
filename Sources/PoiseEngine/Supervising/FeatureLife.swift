package import PoiseModel

/// The life of one feature as the daemon sees it.
///
/// - *stopped*: not running and not wanted: never started, stopped by the operator, or done.
/// - *waiting*: wanted, but not placed yet: the next plan places it or says why not.
/// - *starting*: its process is there, but has not said that it works.
/// - *running*: it works.
/// - *stopping*: it was asked to end (or was killed); what follows is kept with the state.
/// - *backingOff*: it failed and is started again after a pause: a short one, or for as long as
///   its `Breaker` is open.
/// - *failed*: it cannot work as it is (exit code 100, a failure of a temporary feature, or too
///   many restarts); only the operator or a new policy starts it again.
///
/// What the operator wants wins over what the plan says, and both over restarts: a feature that is
/// stopped while it backs off stays stopped. A feature keeps its place in the plan while it backs
/// off or is restarted, and gives it up when it is stopped or failed.
package struct FeatureLife: Sendable, Equatable, Codable {
    package enum State: Sendable, Equatable, Codable {
        case stopped
        case waiting
        case starting
        case running
        case stopping(Next)
        case backingOff
        case failed
    }

    /// What follows when a process that is stopping has ended.
    package enum Next: Sendable, Equatable, Codable {
        case rest, startAgain, failure
        /// Its breaker has opened: it rests until that lets it be tried again.
        case pause
    }

    package enum Event: Sendable, Equatable {
        /// The operator or the policy wants it to run.
        case wanted
        case unwanted
        case restart
        /// The plan has a place for it.
        case placed
        /// The plan has none.
        case displaced
        /// It says that it works.
        case started
        /// A process of an earlier daemon is there and works.
        case found
        case ended(Ending)
        /// Its deadline has passed: of starting, of an answer, of stopping, or of the pause.
        case overdue
        /// Its breaker has opened while nothing of it ended.
        case tripped
    }

    /// How a process ended.
    package enum Ending: Sendable, Equatable, Codable {
        /// By itself, in good order (exit code 0).
        case done
        /// It crashed, was killed, or something outside failed.
        case failure
        /// It cannot work as it is (exit code 100).
        case refused
    }

    /// What the shell is to do.
    package enum Action: Sendable, Equatable { case nothing, start, askToStop, kill }

    package private(set) var state: State = .stopped
    /// Failures in a row; forgotten when it has run for a while.
    package var failures = 0
    package private(set) var restart: FeaturePolicy.Restart

    package init(restart: FeaturePolicy.Restart) { self.restart = restart }

    /// A new policy may say otherwise when the feature is started again.
    package mutating func setRestart(_ restart: FeaturePolicy.Restart) { self.restart = restart }

    /// Whether it has, or is to have, a place in the plan.
    package var takesPart: Bool {
        switch state {
        case .waiting, .starting, .running, .backingOff, .stopping(.startAgain),
            .stopping(.failure), .stopping(.pause):
            true
        case .stopped, .failed, .stopping(.rest): false
        }
    }

    /// Whether a process of it is there.
    package var hasProcess: Bool {
        switch state {
        case .starting, .running, .stopping: true
        case .stopped, .waiting, .backingOff, .failed: false
        }
    }

    /// Moves on by one event and returns what is to be done.
    package mutating func handle(_ event: Event) -> Action {
        let (next, action) = transition(event)
        if case .ended(let ending) = event, state != .stopped { note(ending) }
        if event == .wanted || event == .restart { failures = 0 }
        state = next
        return action
    }

    private mutating func note(_ ending: Ending) {
        switch (state, ending) {
        case (.stopping(.rest), _), (.stopping(.startAgain), _), (.stopping(.pause), _): break
        // Who ends at once every time is not to be started five times a second for ever.
        case (_, .done): failures += restart == .permanent ? 1 : 0
        case (_, .failure), (_, .refused): failures += 1
        }
    }

    private func transition(_ event: Event) -> (State, Action) {
        switch (state, event) {
        case (.stopped, .wanted), (.stopped, .restart),
            (.failed, .wanted), (.failed, .restart),
            (.backingOff, .wanted), (.backingOff, .restart), (.backingOff, .overdue):
            return (.waiting, .nothing)

        case (.stopped, .unwanted), (.failed, .unwanted), (.waiting, .unwanted),
            (.backingOff, .unwanted):
            return (.stopped, .nothing)

        case (.waiting, .placed): return (.starting, .start)
        case (.waiting, .found): return (.running, .nothing)
        // It was about to end when its daemon did.
        case (.backingOff, .found): return (.stopping(.pause), .kill)
        case (.stopped, .found), (.failed, .found): return (.stopping(.rest), .kill)

        case (.starting, .unwanted), (.running, .unwanted): return (.stopping(.rest), .askToStop)
        case (.starting, .restart), (.running, .restart), (.starting, .displaced),
            (.running, .displaced):
            return (.stopping(.startAgain), .askToStop)
        case (.starting, .started): return (.running, .nothing)
        case (.starting, .overdue), (.running, .overdue): return (.stopping(.failure), .kill)
        case (.starting, .tripped), (.running, .tripped): return (.stopping(.pause), .askToStop)
        case (.waiting, .tripped): return (.backingOff, .nothing)
        case (.stopping(.startAgain), .tripped): return (.stopping(.pause), .nothing)
        case (.starting, .ended(let ending)), (.running, .ended(let ending)):
            return (after(ending), .nothing)

        case (.stopping, .unwanted): return (.stopping(.rest), .nothing)
        case (.stopping(.rest), .wanted), (.stopping(.rest), .restart):
            return (.stopping(.startAgain), .nothing)
        case (.stopping, .overdue): return (state, .kill)
        case (.stopping(.rest), .ended): return (.stopped, .nothing)
        case (.stopping(.startAgain), .ended): return (.waiting, .nothing)
        case (.stopping(.failure), .ended): return (after(.failure), .nothing)
        case (.stopping(.pause), .ended(let ending)):
            return (ending == .refused ? .failed : .backingOff, .nothing)

        // A host may still say something, or a plan name a feature, when it no longer matters.
        case (.stopped, .placed), (.stopped, .displaced), (.stopped, .started), (.stopped, .ended),
            (.stopped, .overdue), (.waiting, .wanted), (.waiting, .restart),
            (.waiting, .displaced), (.waiting, .started), (.waiting, .ended), (.waiting, .overdue),
            (.starting, .wanted), (.starting, .placed), (.running, .wanted), (.running, .placed),
            (.running, .started), (.stopping, .placed), (.stopping, .displaced),
            (.stopping, .started), (.stopping(.startAgain), .wanted),
            (.stopping(.startAgain), .restart), (.stopping(.failure), .wanted),
            (.stopping(.failure), .restart), (.stopping(.pause), .wanted),
            (.stopping(.pause), .restart), (.stopping, .tripped), (.stopped, .tripped),
            (.failed, .tripped), (.backingOff, .tripped), (.backingOff, .placed),
            (.backingOff, .displaced),
            (.backingOff, .started), (.backingOff, .ended), (.failed, .placed),
            (.failed, .displaced), (.failed, .started), (.failed, .ended), (.failed, .overdue),
            (.starting, .found), (.running, .found), (.stopping, .found):
            return (state, .nothing)
        }
    }

    private func after(_ ending: Ending) -> State {
        switch (ending, restart) {
        case (.refused, _), (.failure, .temporary): .failed
        case (.done, .transient), (.done, .temporary): .stopped
        case (.done, .permanent), (.failure, .permanent), (.failure, .transient): .backingOff
        }
    }
}

/// How long to wait before a feature that failed is started again.
package enum BackOff {
    /// 200 ms after the first failure, twice as long after each further one, 30 s at most. What
    /// lies outside of the feature takes longer to change: then it begins with a second.
    package static func pause(
        failures: Int, origin: FailureKind.Origin = .plugin
    ) -> Duration {
        let first =
            switch origin {
            case .plugin, .security: 200
            case .environment, .host: 1000
            }
        return .milliseconds(min(30_000, first << min(max(failures - 1, 0), 10)))
    }

    /// A feature that has run for this long is taken to be well again.
    package static let wellAfter = Duration.seconds(30)
}

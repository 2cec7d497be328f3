/// Harm that can be done on purpose, to see what comes of it.
package enum ChaosFault: String, Sendable, CaseIterable {
    case kill, stop, cpuBurn, memoryHog, slowDisk, droppedReports, delayedAnswers
    case refusedWrite, clockJump

    /// What an injection may say beside the fault, as scenario files write it.
    package enum Parameter: String, Sendable, CaseIterable {
        case feature, `for`, threads, memory, delay, writes, by
    }

    /// The parameters that this fault has.
    package var parameters: [Parameter] {
        switch self {
        case .kill: [.feature]
        case .stop, .slowDisk, .droppedReports: [.feature, .for]
        case .cpuBurn: [.feature, .for, .threads]
        case .memoryHog: [.feature, .for, .memory]
        case .delayedAnswers: [.feature, .for, .delay]
        case .refusedWrite: [.for, .writes]
        case .clockJump: [.for, .by]
        }
    }

    /// Whether it is done to one feature and not to all.
    package var hasFeature: Bool { parameters.contains(.feature) }

    /// What it does, for people.
    package var words: String {
        switch self {
        case .kill: "kills the feature's main process (SIGKILL)"
        case .stop: "stops the feature's processes (SIGSTOP), then lets them go on (SIGCONT)"
        case .cpuBurn: "burns CPU time in threads inside the feature's budget"
        case .memoryHog: "holds memory inside the feature's budget"
        case .slowDisk: "slows the feature's disk down (io.max), or keeps it busy with writes"
        case .droppedReports: "drops the reports and answers of the feature's host"
        case .delayedAnswers: "holds back what the feature's host says"
        case .refusedWrite: "refuses the daemon's next kernel writes with EIO"
        case .clockJump: "makes the daemon's wall clock jump"
        }
    }
}

/// One fault as it is to be injected. Amounts that a fault has no use for are not looked at.
package struct ChaosInjection: Sendable, Equatable {
    package var fault: ChaosFault
    /// Nil exactly for faults that are done to all.
    package var feature: FeatureID?
    /// How long it lasts; `kill` is over at once.
    package var duration = Duration.seconds(3)
    package var threads = 2
    package var memoryBytes = 64 << 20
    package var delay = Duration.milliseconds(500)
    package var writes = 1
    /// How far the wall clock jumps, either way.
    package var jump = Duration.seconds(3600)

    package init(_ fault: ChaosFault, _ feature: FeatureID? = nil) {
        self.fault = fault
        self.feature = feature
    }

    /// No fault lasts longer.
    package static let longest = Duration.seconds(600)

    /// What is wrong with it, and with which parameter; nil when it can be injected.
    package var problem: (parameter: ChaosFault.Parameter, text: String)? {
        if fault.hasFeature, feature == nil {
            return (.feature, "\(fault.rawValue) is done to one")
        }
        if !fault.hasFeature, feature != nil {
            return (.feature, "\(fault.rawValue) is done to the whole daemon, not to a feature")
        }
        for parameter in fault.parameters {
            if let text = problem(of: parameter) { return (parameter, text) }
        }
        return nil
    }

    private func problem(of parameter: ChaosFault.Parameter) -> String? {
        switch parameter {
        case .feature: nil
        case .for:
            duration >= .milliseconds(1) && duration <= ChaosInjection.longest
                ? nil : "it lasts 1ms to 10m"
        case .threads: (1...256).contains(threads) ? nil : "1 to 256 threads"
        case .memory: (1 << 20...1 << 40).contains(memoryBytes) ? nil : "1MiB to 1TiB"
        case .delay:
            delay >= .milliseconds(1) && delay <= .seconds(60) ? nil : "a delay is 1ms to 1m"
        case .writes: (1...1000).contains(writes) ? nil : "1 to 1000 writes"
        case .by:
            jump != .zero && jump <= .seconds(315_360_000) && jump >= .seconds(-315_360_000)
                && jump == .seconds(jump.wholeSeconds)
                ? nil : "the clock jumps by whole seconds, at most by 87600h"
        }
    }

    /// In one line for people: `cpuBurn, 3 s, 2 threads`.
    package var words: String {
        let parts = fault.parameters.compactMap { parameter -> String? in
            switch parameter {
            case .feature: nil
            case .for: QuantityText.duration(duration)
            case .threads: threads == 1 ? "1 thread" : "\(threads) threads"
            case .memory: QuantityText.bytes(memoryBytes)
            case .delay: "by \(QuantityText.duration(delay))"
            case .writes: writes == 1 ? "1 write" : "\(writes) writes"
            case .by: "by \(ChaosInjection.signed(jump))"
            }
        }
        return ([fault.rawValue] + parts).joined(separator: ", ")
    }

    /// A time with its sign.
    package static func signed(_ time: Duration) -> String {
        time < .zero
            ? "-\(QuantityText.duration(.zero - time))" : "+\(QuantityText.duration(time))"
    }
}

/// Faults in an order, and what must come of them.
package struct ChaosScenario: Sendable, Equatable {
    package struct Step: Sendable, Equatable {
        /// After the beginning.
        package var at: Duration
        package var injection: ChaosInjection

        package init(at: Duration, _ injection: ChaosInjection) {
            self.at = at
            self.injection = injection
        }
    }

    package var name: String
    /// In the order of time.
    package var steps: [Step]
    /// After a fault ends, what it was done to runs and is healthy again within this.
    package var recoverWithin: Duration?
    /// Features that end and start as little as if nothing were done.
    package var neverRestarted: [FeatureID]

    package init(
        name: String, steps: [Step], recoverWithin: Duration? = nil,
        neverRestarted: [FeatureID] = []
    ) {
        self.name = name
        self.steps = steps
        self.recoverWithin = recoverWithin
        self.neverRestarted = neverRestarted
    }
}

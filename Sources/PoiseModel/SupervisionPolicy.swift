/// Limits of breakers and restarts over all features.
package struct SupervisionPolicy: Sendable, Equatable, Codable {
    /// At most this share of the features is kept open by breakers at one time, and one feature in
    /// any case (Envoy's `max_ejection_percent`).
    package var mostOpenPercent: Int
    /// At most so many restarts of failed features, all together, within `retriesWithin`; who comes
    /// later waits (a retry budget).
    package var mostRetries: Int
    package var retriesWithin: Duration

    package init(
        mostOpenPercent: Int = 50, mostRetries: Int = 20, retriesWithin: Duration = .seconds(10)
    ) {
        self.mostOpenPercent = mostOpenPercent
        self.mostRetries = mostRetries
        self.retriesWithin = retriesWithin
    }
}

/// When a feature's circuit breaker opens and how it closes again.
package struct BreakerPolicy: Sendable, Equatable, Codable {
    package enum Mode: String, Sendable, CaseIterable, Codable {
        /// What it decides is done.
        case enforce
        /// It decides and counts, and nothing follows.
        case observe
    }

    package var failures: Int
    package var within: Duration
    package var open: Duration
    package var openMax: Duration
    package var halfOpenBudgetPercent: Int
    /// So many good probes in a row, one a second, close it again.
    package var probes: Int
    package var mode: Mode

    package init(
        failures: Int = 5, within: Duration = .seconds(60), open: Duration = .seconds(2),
        openMax: Duration = .seconds(60), halfOpenBudgetPercent: Int = 25, probes: Int = 3,
        mode: Mode = .enforce
    ) {
        self.failures = failures
        self.within = within
        self.open = open
        self.openMax = openMax
        self.halfOpenBudgetPercent = halfOpenBudgetPercent
        self.probes = probes
        self.mode = mode
    }
}

/// How often a feature may be started again before it is given up (OTP's intensity and period).
package struct RestartBudgetPolicy: Sendable, Equatable, Codable {
    package var restarts: Int
    package var within: Duration

    package init(restarts: Int = 100, within: Duration = .seconds(3600)) {
        self.restarts = restarts
        self.within = within
    }
}

/// What a feature promises its users; nil promises nothing.
package struct ServiceObjective: Sendable, Equatable, Codable {
    package var latencyP99: Duration?
    package var errorRatePercent: Int?

    package init(latencyP99: Duration? = nil, errorRatePercent: Int? = nil) {
        self.latencyP99 = latencyP99
        self.errorRatePercent = errorRatePercent
    }
}

import PoiseModel

// How features are supervised.
extension PolicyDecoder {
    mutating func breaker(_ field: Field?) -> BreakerPolicy {
        var breaker = BreakerPolicy()
        let known = ["failures", "within", "open", "openMax", "halfOpenBudget", "probes", "mode"]
        guard let fields = fields(of: field, known: known) else { return breaker }
        if let failures = integer(fields["failures"], in: 1...1000) { breaker.failures = failures }
        let least = Duration.milliseconds(1)
        if let within = duration(fields["within"], atLeast: least) { breaker.within = within }
        if let open = duration(fields["open"], atLeast: least) { breaker.open = open }
        if let openMax = duration(fields["openMax"], atLeast: least) { breaker.openMax = openMax }
        if let percent = amount(fields["halfOpenBudget"], .percent) {
            breaker.halfOpenBudgetPercent = percent
        }
        if let probes = integer(fields["probes"], in: 1...100) { breaker.probes = probes }
        if let mode: BreakerPolicy.Mode = choice(fields["mode"]) { breaker.mode = mode }
        if breaker.halfOpenBudgetPercent == 0, let budget = fields["halfOpenBudget"] {
            mistakes.error(
                budget.mark, "\(budget.path) must be at least 1%: with 0% nothing can be tried")
        }
        if breaker.open > breaker.openMax, let place = fields["open"] ?? fields["openMax"] {
            mistakes.error(
                place.mark,
                "\(fields.owner.path): open \(Self.spelled(breaker.open)) is more than openMax "
                    + Self.spelled(breaker.openMax)
                    + (fields["open"] == nil || fields["openMax"] == nil ? " (a default)" : ""))
        }
        return breaker
    }

    /// How often a feature may be started again.
    mutating func restartBudget(_ field: Field?) -> RestartBudgetPolicy {
        var budget = RestartBudgetPolicy()
        guard let fields = fields(of: field, known: ["restarts", "within"]) else { return budget }
        if let restarts = integer(fields["restarts"], in: 1...1000) { budget.restarts = restarts }
        if let within = duration(fields["within"], atLeast: .milliseconds(1)) {
            budget.within = within
        }
        return budget
    }

    /// Limits over all features.
    mutating func supervision(_ field: Field?) -> SupervisionPolicy {
        var limits = SupervisionPolicy()
        let known = ["maxOpen", "retries", "retriesWithin"]
        guard let fields = fields(of: field, known: known) else { return limits }
        if let percent = amount(fields["maxOpen"], .percent) { limits.mostOpenPercent = percent }
        if let retries = integer(fields["retries"], in: 1...1000) { limits.mostRetries = retries }
        if let within = duration(fields["retriesWithin"], atLeast: .milliseconds(1)) {
            limits.retriesWithin = within
        }
        return limits
    }
}

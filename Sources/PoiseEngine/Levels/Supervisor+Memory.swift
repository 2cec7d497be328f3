import PoiseModel

// Features that are over their memory budget.
extension Supervisor {
    /// Looks at who is over its budget, at the end of each turn.
    mutating func followMemory(_ now: Instant) {}
}

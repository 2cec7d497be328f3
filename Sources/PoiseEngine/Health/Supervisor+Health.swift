import PoiseModel

// What is known of the health of features.
extension Supervisor {
    /// The outcome of one check of a feature.
    mutating func take(
        _ check: String, _ outcome: CheckOutcome, of feature: FeatureID, _ now: Instant
    ) {}
}

import PoiseModel

/// How the new version of a plugin compares with the old one.
package struct RolloutVerdict: Sendable, Equatable, Codable {
    package enum Finding: String, Sendable, Codable, CaseIterable {
        case worse, notWorse, unknown
    }

    package private(set) var errors = Finding.unknown
    package private(set) var latency = Finding.unknown
    package private(set) var throughput = Finding.unknown

    /// Latencies that differ by less are the same, in microseconds: a clock and a bucket of a
    /// histogram are no finer.
    static let latencySlack = 100

    /// What is unknown on either side is neither better nor worse.
    package init(
        old: RolloutFigures, new: RolloutFigures, _ settings: RolloutSettings = RolloutSettings()
    ) {
        if let before = old.errorsPerMille, let after = new.errorsPerMille {
            errors = after - before > settings.moreErrorsPerMille ? .worse : .notWorse
        }
        if let before = old.latencyP99Microseconds, let after = new.latencyP99Microseconds {
            let most = before + before * settings.moreLatencyPercent / 100
            latency = after > most + RolloutVerdict.latencySlack ? .worse : .notWorse
        }
        if let before = old.throughputPerCore, let after = new.throughputPerCore {
            let least = before * (100 - settings.lessThroughputPercent) / 100
            throughput = after < least ? .worse : .notWorse
        }
    }

    private var all: [Finding] { [errors, latency, throughput] }

    package var isWorse: Bool { all.contains(.worse) }
    /// Nothing could be compared.
    package var isBlind: Bool { all.allSatisfy { $0 == .unknown } }

    /// What is worse, with the figures.
    package func words(old: RolloutFigures, new: RolloutFigures) -> String {
        var parts: [String] = []
        if errors == .worse, let before = old.errorsPerMille, let after = new.errorsPerMille {
            let text = { (perMille: Int) in QuantityText.decimal(Double(perMille) / 10, digits: 1) }
            parts.append("errors \(text(before)) % → \(text(after)) %")
        }
        if latency == .worse, let before = old.latencyP99Microseconds,
            let after = new.latencyP99Microseconds
        {
            let text = { (time: Int) in QuantityText.duration(.microseconds(time)) }
            parts.append(
                "latency p99 \(text(before)) → \(text(after))\(change(before, after))")
        }
        if throughput == .worse, let before = old.throughputPerCore,
            let after = new.throughputPerCore
        {
            parts.append(
                "throughput \(before) → \(after) a second and core\(change(before, after))")
        }
        return parts.joined(separator: ", ")
    }

    private func change(_ before: Int, _ after: Int) -> String {
        guard before > 0 else { return "" }
        let percent = (after - before) * 100 / before
        return " (\(percent > 0 ? "+" : percent < 0 ? "−" : "")\(percent.magnitude) %)"
    }
}

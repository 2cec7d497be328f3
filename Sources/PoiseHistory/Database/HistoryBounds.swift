/// What a row of history can hold. A file may have been changed by somebody else, so that rows are
/// asked before they are used: what is computed with them must not overflow.
enum HistoryBounds {
    /// Minutes since 1970.
    static let minutes = 0...1 << 31
    /// Millicores, or per mille.
    static let amounts = 0...1 << 40

    static let amountColumns = [
        "demand_mean", "demand_peak", "used", "allocated", "lent", "borrowed", "pressure",
    ]

    /// The condition (SQL) that a row of `minute` is possible.
    static let possibleMinute =
        "minute BETWEEN 0 AND \(minutes.upperBound) AND "
        + amountColumns.map(isAmount).joined(separator: " AND ")

    /// The condition (SQL) that a row of `change` is possible.
    static let possibleChange =
        "time BETWEEN 0 AND \(minutes.upperBound * 60) AND \(isAmount("before")) AND "
        + isAmount("after")

    /// Unknown is possible. A text is beyond each number, for SQLite, and so it is not.
    private static func isAmount(_ column: String) -> String {
        "ifnull(\(column), 0) BETWEEN 0 AND \(amounts.upperBound)"
    }
}

extension FeatureMinute {
    var isPossible: Bool {
        let amounts = [
            demandMean, demandPeak, usedMean, allocatedMean, lentMean, borrowedMean, pressureMean,
        ]
        return HistoryBounds.minutes.contains(minute)
            && amounts.allSatisfy { HistoryBounds.amounts.contains($0 ?? 0) }
    }
}

extension AllocationChange {
    var isPossible: Bool {
        (0...HistoryBounds.minutes.upperBound * 60).contains(time)
            && HistoryBounds.amounts.contains(beforeMillicores ?? 0)
            && HistoryBounds.amounts.contains(afterMillicores ?? 0)
    }
}

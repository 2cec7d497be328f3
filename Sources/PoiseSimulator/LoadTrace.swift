package import PoiseModel

/// What features have to do over time: work that arrives, and needs that they signal.
///
/// Work is counted in seconds of a performance core. A trace has rows (how many cores' worth of
/// work arrives from a moment on), or single requests with what each costs, or both.
package struct LoadTrace: Sendable, Equatable {
    /// What one column of the rows tells.
    package enum Kind: Sendable, Hashable {
        /// Work in cores; with a class it is work that goes to cores of that class first.
        case work(CoreClass?)
        /// What the feature signals that it needs of a class, in cores.
        case need(CoreClass)
    }

    package struct Column: Sendable, Hashable {
        package var feature: FeatureID
        package var kind: Kind

        package init(_ feature: FeatureID, _ kind: Kind) {
            self.feature = feature
            self.kind = kind
        }
    }

    /// The values of all columns from a moment on; nil is "as in the row before".
    package struct Row: Sendable, Equatable {
        package var at: Duration
        package var values: [Double?]

        package init(at: Duration, values: [Double?]) {
            self.at = at
            self.values = values
        }
    }

    /// One piece of work that arrives at a moment.
    package struct Request: Sendable, Equatable {
        package var at: Duration
        package var feature: FeatureID
        /// Seconds of a performance core.
        package var cost: Double

        package init(at: Duration, feature: FeatureID, cost: Double) {
            self.at = at
            self.feature = feature
            self.cost = cost
        }
    }

    /// The file's name, or that of the shape.
    package var name: String
    package var columns: [Column]
    /// In the order of their moments, which all differ.
    package private(set) var rows: [Row]
    /// In the order of their moments.
    package private(set) var requests: [Request]
    /// Whether values go in straight lines from row to row, instead of in steps.
    package var isLinear = false
    /// How long it lasts.
    package var length: Duration

    /// A trace that lasts as long as its last row does, which is as long as the one before it (one
    /// second when there is none), and at least until the last request.
    package init(
        name: String, columns: [Column] = [], rows: [Row] = [], requests: [Request] = []
    ) {
        self.name = name
        self.columns = columns
        self.rows = rows.sorted { $0.at < $1.at }
        self.requests = requests.sorted { $0.at < $1.at }
        length = .zero
        if let last = self.rows.last {
            let before = self.rows.dropLast().last
            length = last.at + (before.map { last.at - $0.at } ?? .seconds(1))
        }
        if let last = self.requests.last { length = max(length, last.at + .seconds(1)) }
        fillGaps()
    }

    /// Puts what came before where a row says nothing; 0 where nothing came before.
    private mutating func fillGaps() {
        var held = [Double](repeating: 0, count: columns.count)
        for row in rows.indices {
            for column in columns.indices {
                held[column] = rows[row].values[column] ?? held[column]
                rows[row].values[column] = held[column]
            }
        }
    }

    /// The features that it names, in the order of their names.
    package var features: [FeatureID] {
        Set(columns.map(\.feature) + requests.map(\.feature)).sorted()
    }

    /// The same without some features: what the others would do alone.
    package func without(_ features: Set<FeatureID>) -> LoadTrace {
        let kept = columns.indices.filter { !features.contains(columns[$0].feature) }
        var trace = self
        trace.columns = kept.map { columns[$0] }
        trace.rows = rows.map { row in
            Row(at: row.at, values: kept.map { row.values[$0] })
        }
        trace.requests = requests.filter { !features.contains($0.feature) }
        return trace
    }
}

/// Reads a trace from its beginning to its end.
struct TraceCursor {
    private let trace: LoadTrace
    private var row = -1
    private var request = 0

    init(_ trace: LoadTrace) { self.trace = trace }

    /// The values of all columns at a moment, which may not lie before that of the call before; 0
    /// before the first row. `changed` tells whether they can differ from the call before.
    mutating func values(at moment: Duration, into values: inout [Double]) -> Bool {
        let before = row
        while row + 1 < trace.rows.count, trace.rows[row + 1].at <= moment { row += 1 }
        guard row >= 0 else { return false }
        let current = trace.rows[row]
        let next = trace.isLinear && row + 1 < trace.rows.count ? trace.rows[row + 1] : nil
        guard row != before || next != nil else { return false }
        let part = next.map { (moment - current.at) / ($0.at - current.at) } ?? 0
        for column in values.indices {
            let from = current.values[column] ?? 0
            let to = next?.values[column] ?? from
            values[column] = from + (to - from) * part
        }
        return true
    }

    /// The next request that arrives before a moment, each once.
    mutating func nextRequest(before moment: Duration) -> LoadTrace.Request? {
        guard request < trace.requests.count, trace.requests[request].at < moment else {
            return nil
        }
        defer { request += 1 }
        return trace.requests[request]
    }
}

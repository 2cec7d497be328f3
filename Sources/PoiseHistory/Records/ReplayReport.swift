import PoiseModel

/// What came of computing recorded turns again.
package struct ReplayReport: Sendable {
    /// A turn that came out otherwise.
    package struct Difference: Sendable, Equatable {
        package var segment: String
        package var line: Int
        package var turn: Int
        /// What differs: `directive 2`, `plan`, `state: records.a.since`.
        package var what: String
        package var recorded: String
        package var computed: String
    }

    /// Something about a segment that has to be known.
    package struct Remark: Sendable, Equatable {
        package var segment: String
        package var line: Int
        package var text: String
    }

    package var segments = 0
    /// Whole engines that were read; 0 is that of no records at all.
    package var checkpoints = 0
    package var turns = 0
    /// Checkpoints that were compared with the state that the turns before them led to.
    package var statesCompared = 0
    /// Seconds since 1970 of the first and the last turn; nil when there was none.
    package var from: Double?
    package var to: Double?
    /// What the computing took, without reading the files.
    package var deciding = Duration.zero
    package var differences: [Difference] = []
    /// What is not as it was written, and could not be computed again.
    package var damages: [Remark] = []
    /// Cut last lines, gaps, other versions: nothing that speaks against the decisions.
    package var remarks: [Remark] = []

    package init() {}

    /// Whether all that is there came out as it was recorded.
    package var isSame: Bool { differences.isEmpty && damages.isEmpty }

    /// Turns computed in a second; nil when there were none.
    package var decisionsPerSecond: Double? {
        turns > 0 && deciding > .zero ? Double(turns) / deciding.inSeconds : nil
    }
}

extension JSON {
    /// Where and how this value first differs from another; nil when it does not.
    func firstDifference(from other: JSON) -> (path: String, mine: JSON?, other: JSON?)? {
        if self == other { return nil }
        switch (self, other) {
        case (.object(let mine), .object(let others)):
            let keys = Set(mine.map(\.key)).union(others.map(\.key)).sorted()
            for key in keys {
                let (left, right) = (self[key], other[key])
                guard left != right else { continue }
                guard let left, let right, let inner = left.firstDifference(from: right)
                else { return (key, left, right) }
                let dot = inner.path.isEmpty || inner.path.hasPrefix("[") ? "" : "."
                return (key + dot + inner.path, inner.mine, inner.other)
            }
        case (.array(let mine), .array(let others)):
            for index in 0..<max(mine.count, others.count) {
                let left: JSON? = index < mine.count ? mine[index] : nil
                let right: JSON? = index < others.count ? others[index] : nil
                guard left != right else { continue }
                guard let left, let right, let inner = left.firstDifference(from: right)
                else { return ("[\(index)]", left, right) }
                let dot = inner.path.isEmpty || inner.path.hasPrefix("[") ? "" : "."
                return ("[\(index)]" + dot + inner.path, inner.mine, inner.other)
            }
        default: break
        }
        return ("", self, other)
    }
}

import PoiseEngine
import PoiseLinux
package import PoiseModel

/// What happened, newest last: bounded, numbered, and handed on to those who follow it.
package struct EventLog: Sendable {
    package struct Entry: Sendable, Equatable {
        package var number: Int
        /// Seconds since 1970.
        package var time: Double
        package var kind: String
        package var feature: FeatureID?
        package var text: String

        package var json: JSON {
            [
                "time": .number(time), "kind": .string(kind), "feature": JSON(feature?.name),
                "text": .string(text),
            ]
        }

        /// Whether it is of a feature, or tells of it: a plan, or a loan, is of several.
        func concerns(_ id: FeatureID) -> Bool {
            if feature == id { return true }
            guard ["planned", "lent", "returned"].contains(kind) else { return false }
            return text.split { $0 == " " || $0 == "," }.contains { $0 == id.name }
        }

        /// One line for a terminal.
        package var line: String { "poised: " + message }

        /// The line without the program's name, which the journal has.
        var message: String { (feature.map { "\($0): " } ?? "") + "\(kind): \(text)" }

        /// What the journal keeps beside the line.
        var fields: [(name: String, value: String)] {
            [("SYSLOG_IDENTIFIER", "poised"), ("POISE_EVENT", kind)]
                + (feature.map { [("POISE_FEATURE", $0.name)] } ?? [])
        }

        /// How much it matters to who reads the journal.
        var priority: Journal.Priority {
            switch kind {
            case "failed", "error", "late": .error
            case "degraded", "refused", "drift", "forced", "keptOut", "dropped": .warning
            case "ready", "stopping", "stopped", "policyChanged", "operator", "chaos": .notice
            default: .info
            }
        }
    }

    package static let capacity = 4096
    /// No event's text is longer; what a plugin sends is cut.
    private static let longestText = 2000

    package private(set) var entries: [Entry] = []
    private var next = 0

    package init() {}

    package mutating func add(
        _ kind: String, _ feature: FeatureID?, _ text: String, time: Double
    ) -> Entry {
        // One event is one line, whatever a plugin puts into it.
        let line = String(text.prefix(EventLog.longestText).map { $0.isNewline ? " " : $0 })
        let entry = Entry(number: next, time: time, kind: kind, feature: feature, text: line)
        next += 1
        // Dropping a quarter at once keeps the cost of an event constant.
        if entries.count == EventLog.capacity { entries.removeFirst(EventLog.capacity / 4) }
        entries.append(entry)
        return entry
    }

    /// Which events somebody wants to see.
    package struct Filter: Sendable, Equatable {
        package var feature: FeatureID?
        package var kind: String?

        package init(feature: FeatureID? = nil, kind: String? = nil) {
            self.feature = feature
            self.kind = kind
        }

        func takes(_ entry: Entry) -> Bool {
            (feature.map(entry.concerns) ?? true) && (kind.map { entry.kind == $0 } ?? true)
        }
    }

    /// Those not older than `seconds` that the filter takes.
    package func since(
        _ seconds: Double?, now: Double, _ filter: Filter = Filter()
    ) -> [Entry] {
        entries.filter { entry in
            (seconds.map { entry.time >= now - $0 } ?? true) && filter.takes(entry)
        }
    }

    /// Kinds of events: those of the engine, and what the daemon says beside.
    package static let kinds: [String] = Set(EngineEvent.Kind.allCases.map(\.rawValue)).union([
        "advisory", "bus", "chaos", "degraded", "drift", "dropped", "error", "event", "found",
        "health",
        "operator",
        "policy", "ready", "refused", "stopped", "stopping",
    ]).sorted()
}

import CatalogueKit
import PoiseModel

/// What one run of one bad plugin came to.
struct Finding {
    /// An event that poised told.
    struct Event: Hashable {
        var time: Double
        var kind: String
        var feature: String?
        var text: String
    }

    struct Latency {
        var before: Double?
        var during: Double?

        /// By how much of a hundred the later one is greater.
        var shift: Double? {
            guard let before, let during, before > 0 else { return nil }
            return (during / before - 1) * 100
        }
    }

    var plugin: BadPlugin
    var backend = "?"
    /// From its harm to the first that poised told of it, in milliseconds.
    var detection: Double?
    /// From its last harm before its breaker opened to the plan that gives others its CPUs.
    var relent: Double?
    /// From its first harm to its breaker being open.
    var opened: Double?
    var events: [Event] = []
    /// What it says itself of its attempts.
    var outcomes: [String] = []
    var latencies: [String: Latency] = [:]
    var residentMiB: Double?
    var pieces = 0
    var state = "?"
    var harms = 0
    /// Rules that were broken, in words.
    var broken: [String] = []

    /// How often poised told what of it.
    var done: String {
        var counts: [String: Int] = [:]
        let quiet: Set<String> = ["planned", "started", "starting", "placed", "load"]
        for event in events where !quiet.contains(event.kind) {
            counts[event.kind, default: 0] += 1
        }
        let order = counts.keys.sorted()
        return order.map { counts[$0] == 1 ? $0 : "\($0) \(counts[$0] ?? 0)×" }
            .joined(separator: ", ")
    }

    var json: JSON {
        [
            "plugin": .string(plugin.name), "backend": .string(backend),
            "detectionMilliseconds": JSON(detection), "openedMilliseconds": JSON(opened),
            "relentMilliseconds": JSON(relent), "state": .string(state),
            "harms": .integer(harms), "residentMiB": JSON(residentMiB),
            "pieces": .integer(pieces),
            "done": .string(done), "outcomes": .array(outcomes.map(JSON.string)),
            "latencies": .object(
                latencies.sorted { $0.key < $1.key }.map { name, latency in
                    JSON.Member(
                        name,
                        [
                            "beforeMicroseconds": JSON(latency.before),
                            "duringMicroseconds": JSON(latency.during),
                            "shiftPercent": JSON(latency.shift),
                        ])
                }),
            "broken": .array(broken.map(JSON.string)),
        ]
    }
}

package import PoiseModel
import PoiseWire

/// Shows the daemon's status to people; what is unknown is a dash.
package struct StatusView {
    private let status: JSON
    private let console: Console
    private let features: [JSON]

    package init(_ status: JSON, console: Console) {
        self.status = status
        self.console = console
        features = status["features"]?.array ?? []
    }

    package var lines: [String] {
        head + policyProblem + [""] + table + keptOut + healths + drops + problems
    }

    private var head: [String] {
        let dot = console.glyphs.separator
        let running = features.count { $0["state"]?.string == "running" }
        let path = status["policyPath"]?.string.map { " (\($0))" } ?? ""
        let uptime = status["uptimeSeconds"]?.number.map {
            QuantityText.duration(.seconds($0))
        }
        let parts = [
            console.paint(.bold, "poised \(text(status["version"]))"), "pid \(text(status["pid"]))",
            "up \(uptime ?? console.glyphs.unknown)", "backend \(text(status["backend"]))",
            "\(text(status["turns"])) turns",
        ]
        // What people should know of the daemon as it is now, where it is not as ever.
        let unusual = [
            status["chaos"]?["active"]?.array.map { active -> String in
                let faults = active.compactMap { $0["fault"]?.string }.joined(separator: ", ")
                return "chaos is on (poised --chaos): " + (faults.isEmpty ? "no fault" : faults)
            },
            status["traffic"]?["percent"]?.integer.flatMap { percent in
                percent < 100
                    ? "what features may send is limited to \(percent) % (the machine is busy)"
                    : nil
            },
        ].compactMap(\.self)
        let second = [
            "machine \(text(status["machine"]))", "policy \(text(status["policy"]))\(path)",
            "\(running) of \(features.count) features running",
        ]
        return [parts, second, level, reaction, unusual].filter { !$0.isEmpty }.flatMap {
            DisplayWidth.wrapped($0.joined(separator: dot), to: console.width)
        }
    }

    /// Only where it is not full.
    private var level: [String] {
        guard let level = status["level"]?.string, level != "full" else { return [] }
        return [console.paint(.warning, "service level \(level)") + " (poise level)"]
    }

    /// How fast it is, as it measures itself: the middle and the 99th of 100.
    private var reaction: [String] {
        let parts = ["need", "pressure", "apply", "turn", "look"].compactMap { name -> String? in
            let times = status["reaction"]?[name]
            guard let middle = times?["p50Microseconds"]?.number,
                let late = times?["p99Microseconds"]?.number
            else { return nil }
            return "\(name) \(StatusView.times(middle, late))"
        }
        return parts.isEmpty ? [] : ["reaction (p50/p99)"] + parts
    }

    /// Two times in microseconds; the unit once where it is the same.
    private static func times(_ first: Double, _ second: Double) -> String {
        let (left, right) = (time(first), time(second))
        return left.unit == right.unit
            ? "\(left.text)/\(right.text) \(right.unit)"
            : "\(left.text) \(left.unit)/\(right.text) \(right.unit)"
    }

    private static func time(_ microseconds: Double) -> (text: String, unit: String) {
        let (scale, unit) =
            microseconds < 1000
            ? (1.0, "µs") : microseconds < 1e6 ? (1000.0, "ms") : (1e6, "s")
        let value = microseconds / scale
        return (QuantityText.decimal(value, digits: value < 10 ? 1 : 0), unit)
    }

    private var policyProblem: [String] {
        guard let problem = status["policyProblem"]?.string else { return [] }
        return DisplayWidth.wrapped(problem + " (poise policy check)", to: console.width)
            .map { console.paint(.bad, $0) }
    }

    private var table: [String] {
        guard !features.isEmpty else { return ["no features"] }
        var table = Table([
            .init("FEATURE"), .init("STATE"), .init("SINCE", number: true),
            .init("RESTARTS", number: true, extra: true),
            .init("PID", number: true, extra: true), .init("PRIO", number: true, extra: true),
            .init("CORES", number: true), .init("CPUS", wraps: true), .init("BUSY", number: true),
            .init("MEMORY", number: true), .init("THREADS", number: true, extra: true),
            .init("RATE/S", number: true), .init("QUEUE", number: true, extra: true),
            .init("P99", number: true), .init("ERRORS", number: true, extra: true),
            .init("HEALTH"),
        ])
        for feature in features { table.add(row(feature)) }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ feature: JSON) -> [Table.Cell] {
        let report = feature["report"]
        let unknown = console.glyphs.unknown
        let health = feature["health"]?.string ?? unknown
        return [
            .init(DisplayWidth.cut(text(feature["feature"]), to: 24, console.glyphs), .bold),
            stateCell(feature),
            .init(seconds(feature["since"])), .init(text(feature["restarts"])),
            .init(text(feature["pid"])),
            .init(text(feature["priority"])),
            .init(feature["millicores"]?.integer.map(QuantityText.cores) ?? unknown),
            .init(text(feature["cpus"])), .init(decimal(feature["coresBusy"], digits: 2)),
            .init(feature["memoryBytes"]?.integer.map(QuantityText.bytes) ?? unknown),
            .init(text(feature["threads"])),
            .init(decimal(report?["throughputPerSecond"], digits: 0)),
            .init(text(report?["queueDepth"])), .init(seconds(report?["latencyP99Seconds"])),
            .init(text(report?["errors"])),
            .init(
                String(health.prefix { $0 != ":" }),
                health.hasPrefix("good") ? .good : health == unknown ? nil : .warning),
        ]
    }

    /// What its breaker does to it, where that does anything, or else its own state.
    private func stateCell(_ feature: JSON) -> Table.Cell {
        let breaker = feature["breaker"]
        if feature["enabled"]?.bool == false { return .init("disabled") }
        let isThere = ["running", "starting"].contains(feature["state"]?.string)
        if breaker?["enforced"]?.bool ?? false, let word = breaker?["state"]?.string,
            word != "halfOpen" || isThere
        {
            return .init(BreakerView.spaced(word), BreakerView.style(of: word))
        }
        let state = feature["state"]?.string ?? console.glyphs.unknown
        return .init(state, StatusView.style(of: state))
    }

    /// What plugins say of their health, which is too long for the table.
    private var healths: [String] {
        section("Health") { feature in
            guard let health = feature["health"]?.string else { return nil }
            let text = health.drop { $0 != ":" }.drop { $0 == ":" || $0 == " " }
            return text.isEmpty ? nil : health
        }
    }

    /// What was thrown away of what features send, by class.
    private var drops: [String] {
        section("Thrown away so far") { feature in
            let parts = (feature["droppedBy"]?.members ?? []).compactMap { member -> String? in
                guard let count = member.value.integer, count > 0 else { return nil }
                return TrafficClass(rawValue: member.key)?.words(count)
            }
            return parts.isEmpty ? nil : parts.joined(separator: ", ")
        }
    }

    /// Why features that should run have no place.
    private var keptOut: [String] {
        section("Kept out") { $0["keptOut"]?["because"]?.string }
    }

    /// The last problem of each feature that has one.
    private var problems: [String] {
        section("Last problems") { $0["lastProblem"]?.string }
    }

    private func section(_ title: String, _ text: (JSON) -> String?) -> [String] {
        let names = features.map { DisplayWidth.of($0["feature"]?.string ?? "") }
        let width = min(24, names.max() ?? 0)
        let lines = features.flatMap { feature -> [String] in
            guard let text = text(feature), !text.isEmpty else { return [] }
            return Paragraph(label: feature["feature"]?.string ?? "", labelWidth: width)
                .lines(text, console)
        }
        return lines.isEmpty ? [] : ["", console.paint(.bold, title)] + lines
    }

    static func style(of state: String) -> Paint.Style? {
        switch state {
        case "running": .good
        case "failed", "backingOff": .bad
        case "starting", "stopping", "waiting": .warning
        default: nil
        }
    }

    private func text(_ value: JSON?) -> String {
        switch value {
        case nil, .null: console.glyphs.unknown
        case .string(let text): text
        case .some(let other): other.description
        }
    }

    private func seconds(_ value: JSON?) -> String {
        value?.number.map { QuantityText.duration(.seconds($0)) } ?? console.glyphs.unknown
    }

    private func decimal(_ value: JSON?, digits: Int) -> String {
        value?.number.map { QuantityText.decimal($0, digits: digits) } ?? console.glyphs.unknown
    }
}

package import PoiseModel

/// Shows rollouts to people.
package struct RolloutView {
    private let console: Console

    package init(_ console: Console) { self.console = console }

    static func active(_ answer: JSON, _ plugin: String) -> JSON? {
        answer["rollouts"]?.array?.first { $0["plugin"]?.string == plugin }
    }

    static func ended(_ answer: JSON, _ plugin: String) -> JSON? {
        answer["ended"]?.array?.first { $0["plugin"]?.string == plugin }
    }

    /// Everything that the daemon tells of rollouts.
    package func lines(of answer: JSON) -> [String] {
        var lines: [String] = []
        for rollout in answer["rollouts"]?.array ?? [] {
            lines.append(console.paint(.bold, title(rollout)) + "  " + stage(of: rollout))
            lines += table(rollout["now"]?.array ?? [])
        }
        for outcome in answer["ended"]?.array ?? [] {
            lines.append(console.paint(.bold, title(outcome)) + "  " + end(of: outcome))
            let results = outcome["results"]?.array ?? []
            let last = results.last?["share"]?.integer
            lines += table(results.filter { $0["share"]?.integer == last })
        }
        for entry in answer["inForce"]?.array ?? [] {
            lines.append(
                "\(text(entry["plugin"])): version \(text(entry["version"])) is in force, "
                    + "\(text(entry["before"])) was before")
        }
        return lines.isEmpty ? ["no plugin has had a rollout"] : lines
    }

    /// `streaming plain → 2`.
    func title(_ rollout: JSON) -> String {
        "\(text(rollout["plugin"])) \(text(rollout["from"])) → \(text(rollout["to"]))"
    }

    /// What it does now.
    func stage(of rollout: JSON) -> String {
        let features = rollout["features"]?.array ?? []
        switch rollout["stage"]?.string {
        case "preparing":
            let names = features.map { "\(text($0["canary"])) is \(text($0["newState"]))" }
            return "prepares: " + names.joined(separator: ", ")
        case "step":
            let steps = rollout["steps"]?.array?.count ?? 0
            let step = (rollout["step"]?.integer ?? 0) + 1
            return "step \(step) of \(steps): the new version has \(share(rollout))"
        case "takingOver":
            let names = features.map { text($0["feature"]) }.joined(separator: ", ")
            return "\(names) starts anew with it, the canary serves meanwhile"
        case "returning": return "goes back: \(text(rollout["because"]))"
        default: return console.glyphs.unknown
        }
    }

    /// How it ended, and why.
    func end(of outcome: JSON) -> String {
        let because = text(outcome["because"])
        let ago = outcome["secondsAgo"]?.number.map {
            " \(QuantityText.duration(.seconds($0))) ago"
        }
        switch outcome["result"]?.string {
        case "finished": return "finished\(ago ?? ""): \(because)"
        case "rolledBack": return "rolled back\(ago ?? ""): \(because)"
        default: return "ended\(ago ?? ""): \(because)"
        }
    }

    /// Both versions of each feature, one below the other.
    func table(_ results: [JSON]) -> [String] {
        guard !results.isEmpty else { return [] }
        var table = Table([
            .init(""), .init("SHARE", number: true), .init("ERRORS", number: true),
            .init("LATENCY P99", number: true), .init("DONE A CORE", number: true),
            .init("READINGS", number: true, extra: true), .init("", wraps: true),
        ])
        for result in results {
            let share = result["share"]?.integer ?? 0
            let feature = text(result["feature"])
            let verdict = result["verdict"] ?? .null
            table.add(row("  \(feature)", 100 - share, result["old"] ?? .null, ""))
            table.add(
                row("  \(feature).canary", share, result["new"] ?? .null, words(of: verdict)))
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ name: String, _ share: Int, _ figures: JSON, _ verdict: String)
        -> [Table.Cell]
    {
        let unknown = console.glyphs.unknown
        let errors = figures["errorsPerMille"]?.integer.map {
            QuantityText.decimal(Double($0) / 10, digits: 1) + " %"
        }
        let latency = figures["latencyP99Microseconds"]?.integer.map {
            QuantityText.duration(.microseconds($0))
        }
        let done = figures["throughputPerCore"]?.integer.map { "\($0)/s" }
        return [
            .init(name), .init("\(share) %"), .init(errors ?? unknown), .init(latency ?? unknown),
            .init(done ?? unknown), .init("\(figures["readings"]?.integer ?? 0)"),
            .init(verdict, verdict.hasPrefix("worse") ? .bad : nil),
        ]
    }

    private func words(of verdict: JSON) -> String {
        let figures = ["errors", "latency", "throughput"]
        let worse = figures.filter { verdict[$0]?.string == "worse" }
        if !worse.isEmpty { return "worse: " + worse.joined(separator: ", ") }
        let isBlind = figures.allSatisfy { verdict[$0]?.string == "unknown" }
        return isBlind ? "nothing to compare" : "not worse"
    }

    private func share(_ rollout: JSON) -> String { "\(rollout["share"]?.integer ?? 0) %" }

    private func text(_ json: JSON?) -> String {
        PrintableText.of(json?.string ?? console.glyphs.unknown)
    }
}

/// What is new of one rollout since it was looked at last.
package struct RolloutProgress {
    /// Lines to print, and whether and how it is over.
    package struct News {
        package var lines: [String] = []
        package var isOver = false
        package var isInForce = false
    }

    private let plugin: String
    private let view: RolloutView
    private var shown = 0
    private var stage = ""

    package init(plugin: String, view: RolloutView) {
        self.plugin = plugin
        self.view = view
    }

    package mutating func take(_ answer: JSON) -> News {
        var news = News()
        if let rollout = RolloutView.active(answer, plugin) {
            news.lines += results(rollout)
            let now = view.stage(of: rollout)
            if now != stage { news.lines.append("\(view.title(rollout))  \(now)") }
            stage = now
        } else {
            news.isOver = true
            guard let outcome = RolloutView.ended(answer, plugin) else { return news }
            news.lines += results(outcome)
            var end = outcome
            if case .object(let members) = outcome {
                end = .object(members.filter { $0.key != "secondsAgo" })
            }
            news.lines.append("\(view.title(outcome))  \(view.end(of: end))")
            news.isInForce = outcome["result"]?.string == "finished"
        }
        return news
    }

    private mutating func results(_ rollout: JSON) -> [String] {
        let results = rollout["results"]?.array ?? []
        defer { shown = results.count }
        return view.table(Array(results.dropFirst(min(shown, results.count))))
    }
}

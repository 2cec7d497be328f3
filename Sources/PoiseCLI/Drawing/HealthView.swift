package import PoiseModel

/// Shows the health of features to people; what is unknown is a dash.
package struct HealthView {
    private let head: [String]
    private let features: [JSON]
    private let console: Console
    /// Whether dependencies and checks are told also where nothing is wrong.
    private let tellsAll: Bool

    /// Of the whole machine.
    package init(_ health: JSON, console: Console) {
        self.console = console
        features = health["features"]?.array ?? []
        tellsAll = false
        let wanted = features.filter { $0["wanted"]?.bool ?? false }
        let ready = wanted.count { $0["ready"]?.bool ?? false }
        let isReady = health["ready"]?.bool ?? false
        let isDegraded = health["degraded"]?.bool ?? false
        let word = isReady ? (isDegraded ? "ready, degraded" : "ready") : "not ready"
        let style: Paint.Style = isReady ? (isDegraded ? .warning : .good) : .bad
        let parts = [
            console.paint(style, word), "\(ready) of \(wanted.count) features ready",
        ]
        // What is no feature's own: the level, the end of the daemon.
        let names = features.compactMap { $0["feature"]?.string }
        let others = (health["because"]?.array ?? []).compactMap(\.string).filter { text in
            !names.contains { text.hasPrefix("\($0) is ") }
        }
        head = (parts + others).joined(separator: console.glyphs.separator).wrapped(console) + [""]
    }

    /// Of one feature.
    package init(of feature: JSON, console: Console) {
        self.console = console
        features = [feature]
        tellsAll = true
        head = []
    }

    package var lines: [String] { head + table + features.flatMap(details) }

    private var table: [String] {
        guard !features.isEmpty else { return ["no features"] }
        var table = Table([
            .init("FEATURE"), .init("STATE"), .init("LIVE"), .init("READY"),
            .init("BECAUSE", wraps: true),
        ])
        for feature in features { table.add(row(feature)) }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ feature: JSON) -> [Table.Cell] {
        let isWanted = feature["wanted"]?.bool ?? false
        let isReady = feature["ready"]?.bool ?? false
        let isLive = feature["live"]?.bool ?? false
        let isDegraded = feature["degraded"]?.bool ?? false
        let reasons = [isReady ? "degradedBecause" : "notReadyBecause"].flatMap {
            (feature[$0]?.array ?? []).compactMap(\.string)
        }
        let ready: Table.Cell =
            if isReady {
                isDegraded ? .init("degraded", .warning) : .init("yes", .good)
            } else {
                isWanted ? .init("no", .bad) : .init(console.glyphs.unknown)
            }
        let name = feature["feature"]?.string ?? console.glyphs.unknown
        return [
            .init(DisplayWidth.cut(name, to: 24, console.glyphs), .bold),
            .init(feature["state"]?.string ?? console.glyphs.unknown),
            isLive ? .init("yes", .good) : .init("no", isWanted ? .bad : nil), ready,
            .init(words(reasons)),
        ]
    }

    /// All reasons of one feature; of many the first, since the rest is below.
    private func words(_ reasons: [String]) -> String {
        guard !tellsAll, reasons.count > 1 else { return reasons.joined(separator: "; ") }
        return "\(reasons[0]) (and \(reasons.count - 1) more)"
    }

    /// Dependencies and checks of a feature that was asked for, or that is not as it should be.
    private func details(_ feature: JSON) -> [String] {
        let isFine =
            feature["ready"]?.bool ?? false && !(feature["degraded"]?.bool ?? false)
            || !(feature["wanted"]?.bool ?? false)
        let lines = ["dependencies", "checks"].flatMap { kind in
            (feature[kind]?.array ?? []).map { (kind: kind, line: $0) }
        }
        guard tellsAll || !isFine, !lines.isEmpty else { return [] }
        var table = Table([
            .init("  NAME"), .init("IS A"), .init("CRITICAL"), .init("NOW"),
            .init("SINCE", number: true), .init("FAILED", number: true, extra: true),
            .init("TARGET", wraps: true), .init("BECAUSE", wraps: true),
        ])
        for (kind, line) in lines {
            table.add(row(line, kind == "checks" ? "check" : "dependency"))
        }
        let name = feature["feature"]?.string ?? console.glyphs.unknown
        return ["", console.paint(.bold, name)]
            + table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ line: JSON, _ kind: String) -> [Table.Cell] {
        let unknown = console.glyphs.unknown
        let verdict = line["verdict"]?.string ?? unknown
        let style: Paint.Style? =
            switch verdict {
            case "passes": .good
            case "fails": .bad
            default: .warning
            }
        let failures = line["failuresInARow"]?.integer ?? 0
        let since = line["sinceSeconds"]?.number.map { QuantityText.duration(.seconds($0)) }
        return [
            .init("  " + (line["name"]?.string ?? unknown)), .init(kind),
            .init(line["critical"]?.bool.map { $0 ? "yes" : "no" } ?? unknown),
            .init(verdict, style),
            .init(since ?? unknown),
            .init(failures > 0 ? "\(failures)" : ""),
            .init(line["target"]?.string ?? unknown), .init(line["because"]?.string ?? ""),
        ]
    }
}

extension String {
    fileprivate func wrapped(_ console: Console) -> [String] {
        DisplayWidth.wrapped(self, to: console.width)
    }
}

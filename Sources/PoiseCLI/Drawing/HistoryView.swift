package import PoiseModel

/// Shows people the history of a feature: a chart of what it used and had, and its changes.
package struct HistoryView {
    private struct Point {
        var time: Int
        var used: Int?
        var allocated: Int?
        var peak: Int?
        var lent: Int?
        var borrowed: Int?
    }

    private let feature: String
    private let minutesAPoint: Int
    private let points: [Point]
    private let changes: [JSON]
    private let console: Console

    private static let height = 8
    /// The last ones are shown; more would push the chart off the screen.
    private static let mostChanges = 20
    /// For the numbers at the left edge.
    private static let edge = 7

    /// How many points fit on a line.
    package static func columns(_ console: Console) -> Int {
        min(max(console.width - edge - 1, 20), 200)
    }

    package init(_ answer: JSON, console: Console) {
        feature = answer["feature"]?.string ?? ""
        minutesAPoint = max(1, answer["minutesAPoint"]?.integer ?? 1)
        points = (answer["points"]?.array ?? []).compactMap { json in
            guard let time = json["time"]?.integer else { return nil }
            return Point(
                time: time, used: json["usedMillicores"]?.integer,
                allocated: json["allocatedMillicores"]?.integer,
                peak: json["demandPeakMillicores"]?.integer,
                lent: json["lentMillicores"]?.integer,
                borrowed: json["borrowedMillicores"]?.integer)
        }
        changes = answer["changes"]?.array ?? []
        self.console = console
    }

    package var lines: [String] {
        var lines = points.isEmpty ? noPoints : chart + [""] + sums
        lines.append("")
        lines +=
            changes.isEmpty
            ? ["no changes of what it has"]
            : table.lines(width: console.width, paint: console.paint)
        let hidden = changes.count - HistoryView.mostChanges
        if hidden > 0 { lines.append("and \(hidden) before (--json has them)") }
        return lines
    }

    private var noPoints: [String] {
        ["\(console.paint(.bold, feature)): no whole minute is kept of this time yet"]
    }

    // MARK: the chart

    /// One column a point; times without a daemon stay empty.
    private var slots: [Point?] {
        guard let first = points.first, let last = points.last else { return [] }
        let step = minutesAPoint * 60
        let count = min((last.time - first.time) / step + 1, HistoryView.columns(console))
        var slots = [Point?](repeating: nil, count: max(1, count))
        for point in points {
            let place = (point.time - first.time) / step
            if slots.indices.contains(place) { slots[place] = point }
        }
        // A short time is drawn wide enough to be seen.
        let width = min(6, HistoryView.columns(console) / slots.count)
        return slots.flatMap { Array(repeating: $0, count: max(1, width)) }
    }

    /// What a column stands for.
    private func scale(_ columns: Int) -> String {
        let span = (points.last?.time ?? 0) - (points.first?.time ?? 0)
        let slots = max(1, span / (minutesAPoint * 60) + 1)
        let minutes = minutesAPoint == 1 ? "a minute" : "\(minutesAPoint) minutes"
        return columns > slots ? "\(columns / slots) columns \(minutes)" : "\(minutes) a column"
    }

    private var chart: [String] {
        let most = points.map { max($0.used ?? 0, $0.allocated ?? 0) }.max() ?? 0
        // Whole cores at the edge, or quarters where little is used.
        let unit = most > 1000 ? 1000 : 250
        let top = max(unit, (most + unit - 1) / unit * unit)
        let slots = slots
        let glyphs = console.glyphs
        let legend =
            "\(glyphs.isUnicode ? "█" : "#") used  "
            + "\(glyphs.horizontal) allocated, in cores, \(scale(slots.count))"
        var lines = ["\(console.paint(.bold, feature))  \(legend)", ""]
        for row in (0..<HistoryView.height).reversed() {
            let label =
                switch row {
                case 0: "0"
                case HistoryView.height / 2: QuantityText.cores(top / 2)
                case HistoryView.height - 1: QuantityText.cores(top)
                default: ""
                }
            var line = String(repeating: " ", count: max(0, HistoryView.edge - 2 - label.count))
            line += label + " " + glyphs.vertical
            for slot in slots { line += cell(slot, row, top) }
            while line.last == " " { line.removeLast() }
            lines.append(line)
        }
        return lines + [times(slots.count)]
    }

    /// What stands in one row of one column: the bar of use, else the line of what it has.
    private func cell(_ slot: Point?, _ row: Int, _ top: Int) -> String {
        guard let slot else { return " " }
        let eighths = HistoryView.height * 8
        let used = slot.used.map { ($0 * eighths + top / 2) / top - row * 8 } ?? 0
        let line = slot.allocated.map { min($0 * HistoryView.height / top, HistoryView.height - 1) }
        if used >= 8 { return console.glyphs.isUnicode ? "█" : "#" }
        if used > 0, line != row || used >= 4 {
            return console.glyphs.isUnicode ? String(HistoryView.blocks[used - 1]) : "#"
        }
        return line == row ? console.paint(.good, console.glyphs.horizontal) : " "
    }

    private static let blocks = Array("▁▂▃▄▅▆▇")

    /// The first and the last moment under the chart.
    private func times(_ count: Int) -> String {
        guard let first = points.first, let last = points.last else { return "" }
        let end = last.time + minutesAPoint * 60
        let format = end - first.time > 86_400 ? "%F %H:%M" : "%H:%M"
        let (left, right) = (
            LocalTime.text(Double(first.time), format), LocalTime.text(Double(end), format)
        )
        let space = max(2, count - left.count - right.count)
        return String(repeating: " ", count: HistoryView.edge) + left
            + String(repeating: " ", count: space) + right
    }

    /// Means and limits in one sentence.
    private var sums: [String] {
        func mean(_ part: (Point) -> Int?) -> String? {
            let values = points.compactMap(part)
            guard !values.isEmpty else { return nil }
            return cores(values.reduce(0, +) / values.count)
        }
        var parts: [String] = []
        if let used = mean(\.used) { parts.append("used \(used) cores on average") }
        if let peak = points.compactMap(\.peak).max() {
            parts.append("wanted \(cores(peak)) at most")
        }
        let had = points.compactMap(\.allocated)
        if let least = had.min(), let most = had.max() {
            parts.append(
                least == most ? "had \(cores(most))" : "had \(cores(least)) to \(cores(most))")
        }
        if let lent = mean(\.lent) { parts.append("lent \(lent)") }
        if let borrowed = mean(\.borrowed) { parts.append("borrowed \(borrowed)") }
        return DisplayWidth.wrapped(parts.joined(separator: ", "), to: console.width)
    }

    /// Two digits behind the point are enough for people.
    private func cores(_ millicores: Int) -> String {
        QuantityText.decimal(Double(millicores) / 1000, digits: 2)
    }

    // MARK: changes

    private var table: Table {
        var table = Table([
            .init("WHEN"), .init("CORES"), .init("CPUS", wraps: true), .init("WHY", wraps: true),
        ])
        for change in changes.suffix(HistoryView.mostChanges) {
            let unknown = console.glyphs.unknown
            let amount = { (key: String) in
                change[key]?.integer.map { QuantityText.cores($0) } ?? unknown
            }
            table.add([
                .init(change["time"]?.integer.map { LocalTime.text(Double($0)) } ?? unknown),
                .init(
                    "\(amount("beforeMillicores")) \(console.glyphs.arrow) "
                        + amount("afterMillicores")),
                .init(PrintableText.of(change["cpus"]?.string ?? "")),
                .init(PrintableText.of(change["because"]?.string ?? "")),
            ])
        }
        return table
    }
}

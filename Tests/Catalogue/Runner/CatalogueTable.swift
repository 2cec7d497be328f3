import CatalogueKit

/// The findings as a table for people: one plugin a line, medians over its runs.
struct CatalogueTable {
    private static let heads = [
        "PLUGIN", "TOLD", "RE-LENT", "OPEN", "P99 OWN", "P99 SHARED", "RSS", "WHAT WAS DONE",
    ]

    let rows: [[String]]
    /// What the kernel and poised answered to attempts that need an answer.
    let answers: [String]
    let notes: [String]

    init(_ findings: [[Finding]]) {
        rows = findings.map(CatalogueTable.row)
        answers = findings.compactMap { runs in
            let said = Set(runs.flatMap(\.outcomes)).sorted().joined(separator: "; ")
            return said.isEmpty ? nil : "\(runs[0].plugin.name): \(said)"
        }
        notes = findings.flatMap { runs in
            Set(runs.flatMap(\.broken)).sorted().map { "\(runs[0].plugin.name): \($0)" }
        }
    }

    private static func row(_ runs: [Finding]) -> [String] {
        let first = runs[0]
        return [
            first.plugin.name, milliseconds(runs.map(\.detection)),
            milliseconds(runs.map(\.relent)), milliseconds(runs.map(\.opened)),
            shift(runs, CataloguePolicy.own), shift(runs, CataloguePolicy.shared),
            runs.compactMap(\.residentMiB).max().map { tenths($0) } ?? "–",
            first.done.isEmpty ? "nothing to tell" : first.done,
        ]
    }

    private static func milliseconds(_ values: [Double?]) -> String {
        guard let value = median(values) else { return "–" }
        return value < 1000 ? "\(tenths(value)) ms" : "\(tenths(value / 1000)) s"
    }

    private static func shift(_ runs: [Finding], _ victim: String) -> String {
        let latencies = runs.compactMap { $0.latencies[victim] }
        guard let shift = median(latencies.map(\.shift)),
            let before = median(latencies.map(\.before))
        else { return "–" }
        let sign = shift < 0 ? "" : "+"
        return "\(Int(before.rounded())) µs \(sign)\(tenths(shift)) %"
    }

    static func median(_ values: [Double?]) -> Double? {
        let known = values.compactMap(\.self).sorted()
        return known.isEmpty ? nil : known[known.count / 2]
    }

    var text: String {
        let all = [CatalogueTable.heads] + rows
        let widths = CatalogueTable.heads.indices.map { column in
            all.map { $0[column].count }.max() ?? 0
        }
        var text = ""
        for row in all {
            let cells = zip(row, widths).enumerated().map { index, cell in
                let room = String(repeating: " ", count: cell.1 - cell.0.count)
                let isLeft = index == 0 || index == row.count - 1
                return isLeft ? cell.0 + (index == 0 ? room : "") : room + cell.0
            }
            text += cells.joined(separator: "  ") + "\n"
        }
        if !answers.isEmpty {
            text += "\nanswers to what they tried:\n" + answers.map { "  \($0)\n" }.joined()
        }
        if !notes.isEmpty {
            text += "\nbroken rules:\n" + notes.map { "  \($0)\n" }.joined()
        }
        return text
    }
}

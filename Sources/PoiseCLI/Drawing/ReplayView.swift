package import PoiseHistory
import PoiseModel

/// Shows people what came of computing recorded turns again.
package struct ReplayView {
    private let report: ReplayReport
    private let console: Console
    /// So many of one kind are shown one by one.
    private static let most = 20

    package init(_ report: ReplayReport, console: Console) {
        self.report = report
        self.console = console
    }

    package var lines: [String] {
        var lines = summary.lines(width: console.width, paint: console.paint)
        for one in report.differences.prefix(ReplayView.most) {
            lines.append("")
            lines.append(
                console.paint(.bad, "turn \(one.turn)")
                    + " (\(one.segment), line \(one.line)) differs in \(one.what)")
            for (label, text) in [("recorded", one.recorded), ("computed", one.computed)] {
                let paragraph = Paragraph(label: label, labelWidth: 8)
                lines += paragraph.lines(PrintableText.of(text), console)
            }
        }
        lines += more(report.differences.count)
        lines += remarks(report.damages, .bad)
        lines += remarks(report.remarks, .warning)
        return lines
    }

    private var summary: Table {
        let unknown = console.glyphs.unknown
        var table = Table([.init(""), .init("", wraps: true)])
        table.add([.init("segments", .dim), .init("\(report.segments)")])
        table.add([.init("turns", .dim), .init("\(report.turns)")])
        table.add([.init("from", .dim), .init(report.from.map { LocalTime.text($0) } ?? unknown)])
        table.add([.init("to", .dim), .init(report.to.map { LocalTime.text($0) } ?? unknown)])
        table.add([
            .init("decisions a second", .dim),
            .init(report.decisionsPerSecond.map { QuantityText.decimal($0, digits: 0) } ?? unknown),
        ])
        let count = report.differences.count
        let said = count == 0 ? "none" : "\(count)"
        table.add([.init("differences", .dim), .init(said, count == 0 ? .good : .bad)])
        if !report.damages.isEmpty {
            table.add([.init("damaged", .dim), .init("\(report.damages.count)", .bad)])
        }
        return table
    }

    private func remarks(_ remarks: [ReplayReport.Remark], _ style: Paint.Style) -> [String] {
        var lines = remarks.isEmpty ? [] : [""]
        for remark in remarks.prefix(ReplayView.most) {
            let text = "\(remark.segment) line \(remark.line): \(remark.text)"
            for line in DisplayWidth.wrapped(PrintableText.of(text), to: console.width) {
                lines.append(console.paint(style, line))
            }
        }
        return lines + more(remarks.count)
    }

    private func more(_ count: Int) -> [String] {
        count > ReplayView.most ? ["… and \(count - ReplayView.most) more (--json has all)"] : []
    }
}

/// A table for people: columns aligned by display width, within the terminal's width.
///
/// Nothing is cut off here. When the lines are too long, the columns that may wrap do, the widest
/// first; a column without a value in any row is left out. When wrapping is not enough, the columns
/// that are marked as extra go, the last first.
package struct Table {
    package struct Column: Sendable {
        var title: String
        var isNumber: Bool
        var wraps: Bool
        /// Told elsewhere too, so that it may go on a narrow terminal.
        var isExtra: Bool

        package init(
            _ title: String, number: Bool = false, wraps: Bool = false, extra: Bool = false
        ) {
            self.title = title
            isNumber = number
            self.wraps = wraps
            isExtra = extra
        }
    }

    /// A cell: plain text and how it looks. Empty is "nothing to tell".
    package struct Cell: ExpressibleByStringLiteral {
        var text: String
        var style: Paint.Style?

        package init(_ text: String, _ style: Paint.Style? = nil) {
            self.text = text
            self.style = style
        }

        package init(stringLiteral text: String) { self.init(text) }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    package mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "\(row.count) cells for \(columns.count) columns")
        rows.append(row)
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// The lines of the table, at most `width` columns each where wrapping can do that.
    package func lines(width: Int, paint: Paint) -> [String] {
        var shown = columns.indices.filter { column in
            rows.isEmpty || rows.contains { !$0[column].text.isEmpty }
        }
        var widths = widths(of: shown, within: width)
        while sum(widths) > width, let extra = shown.lastIndex(where: { columns[$0].isExtra }) {
            shown.remove(at: extra)
            widths = self.widths(of: shown, within: width)
        }
        let titles = shown.map { Cell(columns[$0].title, .dim) }
        let isUntitled = titles.allSatisfy { $0.text.isEmpty }
        let head =
            isUntitled ? [] : line(titles, shown: shown, widths: widths, paint: paint)
        return head
            + rows.flatMap { row in
                line(shown.map { row[$0] }, shown: shown, widths: widths, paint: paint)
            }
    }

    private func widths(of shown: [Int], within width: Int) -> [Int] {
        var widths = shown.map { column in
            max(
                DisplayWidth.of(columns[column].title),
                rows.map { DisplayWidth.of($0[column].text) }.max() ?? 0)
        }
        var excess = sum(widths) - width
        while excess > 0 {
            let candidates = shown.indices.filter { position in
                columns[shown[position]].wraps && widths[position] > least(shown[position])
            }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        // Lines that break leave columns emptier than they were made.
        return shown.indices.map { position in
            let column = shown[position]
            let lines = rows.flatMap {
                DisplayWidth.wrapped($0[column].text, to: widths[position])
            }
            return max(
                DisplayWidth.of(columns[column].title), lines.map(DisplayWidth.of).max() ?? 0)
        }
    }

    private func sum(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + 2 * max(0, widths.count - 1)
    }

    /// How narrow a column may become: its longest word.
    private func least(_ column: Int) -> Int {
        let words = rows.flatMap { DisplayWidth.wrapped($0[column].text, to: 1) }
        return max(
            DisplayWidth.of(columns[column].title), words.map(DisplayWidth.of).max() ?? 0)
    }

    private func line(_ cells: [Cell], shown: [Int], widths: [Int], paint: Paint) -> [String] {
        let parts = cells.indices.map { DisplayWidth.wrapped(cells[$0].text, to: widths[$0]) }
        let height = parts.map(\.count).max() ?? 1
        return (0..<height).map { row in
            var line = ""
            for index in cells.indices {
                let text = row < parts[index].count ? parts[index][row] : ""
                let space = String(
                    repeating: " ", count: max(0, widths[index] - DisplayWidth.of(text)))
                let styled = cells[index].style.map { paint($0, text) } ?? text
                if index > 0 { line += "  " }
                line += columns[shown[index]].isNumber ? space + styled : styled + space
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

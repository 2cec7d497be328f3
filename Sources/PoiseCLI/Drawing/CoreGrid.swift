import PoiseModel

/// Cores as cells of a grid: class letter and PUs, and below them who has the core.
struct CoreGrid {
    let cores: [Core]
    let ownership: Ownership?
    /// Columns inside a cell, the same all over the drawing.
    let cellWidth: Int
    let console: Console

    static func text(of core: Core) -> String { "\(core.class.letter) \(core.pus)" }

    /// The grid, with as many cells a row as fit.
    func block(within width: Int) -> TextBlock {
        let perRow = max(1, min(cores.count, (width - 1) / (cellWidth + 1)))
        let rows = stride(from: 0, to: cores.count, by: perRow).map {
            Array(cores[$0..<min($0 + perRow, cores.count)])
        }
        var lines: [String] = []
        for (index, row) in rows.enumerated() {
            lines.append(border(above: index > 0 ? rows[index - 1].count : 0, below: row.count))
            lines.append(cells(row))
            if let ownership { lines.append(owners(row, ownership)) }
        }
        lines.append(border(above: rows.last?.count ?? 0, below: 0))
        return TextBlock(lines)
    }

    /// The line between a row of `above` cells and one of `below` cells.
    private func border(above: Int, below: Int) -> String {
        let count = max(above, below)
        var line = ""
        for corner in 0...count {
            line += console.glyphs.joint(
                left: corner > 0, right: corner < count, up: above > 0 && corner <= above,
                down: below > 0 && corner <= below)
            guard corner < count else { break }
            line += String(repeating: console.glyphs.horizontal, count: cellWidth)
        }
        return line
    }

    private func cells(_ row: [Core]) -> String {
        let bar = console.glyphs.vertical
        return bar
            + row.map { core in
                let text = DisplayWidth.padded(CoreGrid.text(of: core), to: cellWidth)
                return console.paint(.coreClass(core.class), text)
            }.joined(separator: bar) + bar
    }

    /// Neighbours of one owner become one long cell, with the owner's name where it fits.
    private func owners(_ row: [Core], _ ownership: Ownership) -> String {
        var line = console.glyphs.vertical
        var start = row.startIndex
        while start < row.endIndex {
            let holder = ownership.holder(of: row[start])
            let end =
                row[start...].firstIndex { ownership.holder(of: $0) != holder } ?? row.endIndex
            let width = (end - start) * (cellWidth + 1) - 1
            let label = ownership.label(of: holder, glyphs: console.glyphs)
            let long = "\(label) \(ownership.name(of: holder))"
            let text = DisplayWidth.of(long) <= width ? long : label
            line += console.paint(
                ownership.style(of: holder), DisplayWidth.padded(text, to: width))
            line += console.glyphs.vertical
            start = end
        }
        return line
    }
}

extension CoreClass {
    /// The letter that stands for the class in drawings and tables.
    var letter: String {
        switch self {
        case .performance: "P"
        case .efficiency: "E"
        case .lowPower: "L"
        }
    }
}

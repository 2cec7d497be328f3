import PoiseModel

/// Cores of a large machine: one row for each cluster and class, one character for each core.
struct CoreRows {
    struct Row {
        var cache: String
        var coreClass: CoreClass
        var cores: [Core]

        var pus: CPUSet { cores.reduce(into: CPUSet()) { $0.formUnion($1.pus) } }
    }

    let rows: [Row]

    /// Rows of at most `longest` cores.
    init(_ cores: [Core], on machine: Machine, longest: Int) {
        var rows: [Row] = []
        for core in cores {
            let cache = core.cluster.map { machine.clusters[$0].title } ?? ""
            if let last = rows.last, last.cache == cache, last.coreClass == core.class,
                last.cores.count < longest
            {
                rows[rows.count - 1].cores.append(core)
            } else {
                rows.append(Row(cache: cache, coreClass: core.class, cores: [core]))
            }
        }
        self.rows = rows
    }

    func block(_ ownership: Ownership?, columns: Columns, console: Console) -> TextBlock {
        TextBlock(
            rows.map { row in
                let cells = row.cores.map { core in
                    cell(of: core, ownership, width: columns.cell, console: console)
                }
                let letter = console.paint(.coreClass(row.coreClass), row.coreClass.letter)
                let cache = DisplayWidth.padded(row.cache, to: columns.cache)
                let pus = DisplayWidth.padded(row.pus.description, to: columns.pus)
                return (columns.cache > 0 ? "\(cache)  " : "") + "\(letter)  \(pus)  "
                    + cells.joined(separator: " ")
            })
    }

    private func cell(
        of core: Core, _ ownership: Ownership?, width: Int, console: Console
    ) -> String {
        guard let ownership else {
            return console.paint(.coreClass(core.class), core.class.letter)
        }
        let holder = ownership.holder(of: core)
        let label = ownership.label(of: holder, glyphs: console.glyphs)
        return console.paint(
            ownership.style(of: holder), DisplayWidth.padded(label, to: width))
    }

    /// How wide each part is, the same all over the drawing.
    struct Columns {
        var cache = 0
        var pus = 0
        var cell = 1
        private var most = 0

        /// Columns of the widest row.
        var width: Int { (cache > 0 ? cache + 2 : 0) + 3 + pus + 2 + most * (cell + 1) - 1 }

        init(_ rows: [Row], labels: [String]) {
            cache = rows.map { DisplayWidth.of($0.cache) }.max() ?? 0
            pus = rows.map(\.pus.description.count).max() ?? 0
            most = rows.map(\.cores.count).max() ?? 0
            cell = labels.map(DisplayWidth.of).max() ?? 1
        }
    }
}

extension Cluster {
    /// `L3#0 32 MiB`.
    var title: String { "\(cache)#\(id)" + (bytes.map { " " + QuantityText.bytes($0) } ?? "") }
}

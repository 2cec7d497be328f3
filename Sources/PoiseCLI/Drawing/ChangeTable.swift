import PoiseEngine
import PoiseModel

/// What differs between two plans, a line a feature.
struct ChangeTable {
    private let change: PlanChange

    init(_ change: PlanChange) { self.change = change }

    func lines(_ console: Console) -> [String] {
        let arrow = console.glyphs.arrow
        var table = Table([
            .init("FEATURE"), .init("CORES", number: true), .init("", number: true),
            .init("CPUS", wraps: true), .init("GAINS", wraps: true), .init("LOSES", wraps: true),
            .init("MEMORY", wraps: true),
        ])
        for line in change.lines {
            let style: Paint.Style? = line.after == nil ? .bad : line.before == nil ? .good : nil
            table.add([
                .init(line.feature.name, style), .init(cores(line.before)),
                .init("\(arrow) \(cores(line.after))"),
                .init(line.after.map { $0.cpus.description } ?? "no place", style),
                .init(line.gained.description, .good), .init(line.lost.description, .bad),
                .init(memory(line, arrow)),
            ])
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func cores(_ allocation: ResourceAllocation?) -> String {
        allocation.map { QuantityText.cores($0.millicores.total) } ?? "0"
    }

    private func memory(_ line: PlanChange.Line, _ arrow: String) -> String {
        let before = line.before?.memory.lowBytes ?? 0
        let after = line.after?.memory.lowBytes ?? 0
        guard before != after else { return "" }
        return "\(QuantityText.bytes(before)) \(arrow) \(QuantityText.bytes(after))"
    }
}

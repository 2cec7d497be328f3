import PoiseModel
import PoiseSimulator

/// What came of a simulation, as a table and as JSON.
struct SimulationView {
    private let result: SimulationResult
    private let decisionsPerSecond: Double

    init(_ result: SimulationResult, decisionsPerSecond: Double) {
        self.result = result
        self.decisionsPerSecond = decisionsPerSecond
    }

    func lines(_ console: Console) -> [String] {
        let dot = console.glyphs.separator
        let head = [
            "policy \(result.policy)", "machine \(result.machine)", "load \(result.trace)",
            QuantityText.duration(result.length),
        ]
        return DisplayWidth.wrapped(head.joined(separator: dot), to: console.width) + [""]
            + table(console) + [""] + classes + [""]
            + DisplayWidth.wrapped(turns, to: console.width) + keptOut(console)
    }

    private func table(_ console: Console) -> [String] {
        guard !result.features.isEmpty else { return ["no features"] }
        var table = Table([
            .init("FEATURE"), .init("HAD", number: true), .init("USED", number: true),
            .init("LENT", number: true), .init("BORROWED", number: true),
            .init("BREACHES", number: true), .init("RESIZES", number: true),
            .init("MOVED", number: true), .init("LOST", number: true),
            .init("P99", number: true), .init("PRESSED", number: true, extra: true),
        ])
        for feature in result.features {
            let breaches = feature.minimumBreaches
            let lost = Self.part(feature.unservedWork, of: feature.arrivedWork)
            table.add([
                .init(
                    DisplayWidth.cut(feature.feature.name, to: 24, console.glyphs),
                    feature.keptOutBecause == nil ? .bold : .bad),
                .init(Self.amount(feature.allocatedCoreSeconds)),
                .init(Self.amount(feature.usedCoreSeconds)),
                .init(Self.amount(feature.lentCoreSeconds)),
                .init(Self.amount(feature.borrowedCoreSeconds)),
                .init("\(breaches)", breaches == 0 ? .good : .bad),
                .init("\(feature.resizes)"), .init("\(feature.movedCPUs)"),
                .init(lost.map { $0 + " %" } ?? console.glyphs.unknown),
                .init(feature.waitP99.map(QuantityText.duration) ?? console.glyphs.unknown),
                .init(
                    Self.part(feature.pressedSeconds, of: feature.runningSeconds)
                        .map { $0 + " %" } ?? console.glyphs.unknown),
            ])
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    /// Core seconds: whole ones when there are many.
    private static func amount(_ coreSeconds: Double) -> String {
        QuantityText.decimal(coreSeconds, digits: coreSeconds < 100 ? 1 : 0)
    }

    /// A part in per cent; nil of nothing.
    private static func part(_ part: Double, of whole: Double) -> String? {
        guard whole > 0 else { return nil }
        return QuantityText.decimal(part / whole * 100, digits: 1)
    }

    private var classes: [String] {
        result.classes.map { one in
            let peak = QuantityText.decimal(one.busyAtPeak * 100, digits: 0)
            let sustained = QuantityText.decimal(one.busySustained * 100, digits: 0)
            let cores = "\(one.cores) \(one.coreClass.rawValue) core\(one.cores == 1 ? "" : "s")"
            return "\(cores): \(peak) % busy in the busiest 5 s, \(sustained) % over all"
        }
    }

    private var turns: String {
        let speed = QuantityText.decimal(decisionsPerSecond, digits: 0)
        return "\(result.decisions) decisions, \(result.plans) new plans,"
            + " \(speed) decisions a second of CPU time"
    }

    private func keptOut(_ console: Console) -> [String] {
        let kept = result.features.filter { $0.keptOutBecause != nil }
        guard !kept.isEmpty else { return [] }
        let width = min(24, kept.map { DisplayWidth.of($0.feature.name) }.max() ?? 0)
        return ["", console.paint(.bold, "Kept out")]
            + kept.flatMap { feature in
                Paragraph(label: feature.feature.name, labelWidth: width)
                    .lines(feature.keptOutBecause ?? "", console)
            }
    }

    var json: JSON {
        [
            "machine": .string(result.machine), "policy": .string(result.policy),
            "load": .string(result.trace), "seconds": .number(result.length.inSeconds),
            "decisions": .integer(result.decisions), "plans": .integer(result.plans),
            "decisionsPerSecond": .number(decisionsPerSecond),
            "features": .array(result.features.map(json)),
            "classes": .array(
                result.classes.map { one in
                    [
                        "class": .string(one.coreClass.rawValue), "cores": .integer(one.cores),
                        "busyAtPeak": .number(one.busyAtPeak),
                        "busySustained": .number(one.busySustained),
                    ]
                }),
        ]
    }

    private func json(_ feature: SimulationResult.Feature) -> JSON {
        [
            "feature": .string(feature.feature.name), "priority": .integer(feature.priority),
            "allocatedCoreSeconds": .number(feature.allocatedCoreSeconds),
            "usedCoreSeconds": .number(feature.usedCoreSeconds),
            "lentCoreSeconds": .number(feature.lentCoreSeconds),
            "borrowedCoreSeconds": .number(feature.borrowedCoreSeconds),
            "minimumBreaches": .integer(feature.minimumBreaches),
            "resizes": .integer(feature.resizes), "movedCPUs": .integer(feature.movedCPUs),
            "arrivedCoreSeconds": .number(feature.arrivedWork),
            "doneCoreSeconds": .number(feature.doneWork),
            "unservedCoreSeconds": .number(feature.unservedWork),
            "waitP99Seconds": JSON(feature.waitP99?.inSeconds),
            "pressedSeconds": .number(feature.pressedSeconds),
            "runningSeconds": .number(feature.runningSeconds),
            "keptOutBecause": JSON(feature.keptOutBecause),
        ]
    }
}

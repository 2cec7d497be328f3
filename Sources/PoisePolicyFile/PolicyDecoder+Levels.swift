import PoiseModel

/// From which load on the machine is at which service level.
extension PolicyDecoder {
    private static let triggers = [
        "cpuPressure", "memoryPressure", "openBreakers", "temperature",
    ]

    /// A trigger of a milder level, by its key.
    private typealias Milder = [String: (path: String, text: String, amount: Int)]

    mutating func levels(_ field: Field?) -> [ServiceLevel: LevelTrigger] {
        var levels: [ServiceLevel: LevelTrigger] = [:]
        guard let fields = fields(of: field, known: ["reduced", "essential", "emergency"])
        else { return levels }
        var milder: Milder = [:]
        for level in [ServiceLevel.reduced, .essential, .emergency] {
            guard let inner = self.fields(of: fields[level.rawValue], known: Self.triggers)
            else { continue }
            if Self.triggers.allSatisfy(inner.lacks) {
                let known = Self.triggers.joined(separator: ", ")
                mistakes.error(
                    inner.owner.mark, "\(inner.owner.path) must give one of \(known)")
            }
            levels[level] = LevelTrigger(
                cpuPressurePercent: pressure(inner["cpuPressure"], &milder),
                memoryPressurePercent: pressure(inner["memoryPressure"], &milder),
                openBreakers: number(inner["openBreakers"], in: 1...1024, &milder),
                // Whole degrees Celsius: no processor is well below or beyond these.
                temperatureCelsius: number(inner["temperature"], in: 30...150, &milder))
        }
        return levels
    }

    private mutating func pressure(_ field: Field?, _ milder: inout Milder) -> Int? {
        guard let field, let percent = amount(field, .percent) else { return nil }
        if percent == 0 {
            mistakes.error(field.mark, "\(field.path) must be at least 1%: 0% is always reached")
            milder[field.key] = (field.path, "0%", 0)
        } else {
            compare(field, percent, "\(percent)%", &milder)
        }
        return percent
    }

    private mutating func number(
        _ field: Field?, in range: ClosedRange<Int>, _ milder: inout Milder
    ) -> Int? {
        guard let field, let number = integer(field, in: range) else { return nil }
        compare(field, number, "\(number)", &milder)
        return number
    }

    /// A trigger should be higher than that of the level before it.
    private mutating func compare(
        _ field: Field, _ amount: Int, _ text: String, _ milder: inout Milder
    ) {
        if let before = milder[field.key], before.amount >= amount {
            mistakes.warning(
                field.mark,
                "\(field.path) \(text) is not more than \(before.path) \(before.text), so the "
                    + "milder level is never used")
        }
        milder[field.key] = (field.path, text, amount)
    }
}

/// What the kernel measures the lack of (PSI).
package enum PressureResource: String, Sendable, CaseIterable { case cpu, memory, io }

/// How much time was lost for want of a resource (PSI).
package struct Pressure: Equatable, Sendable {
    /// One line of a pressure file: the averages in per cent.
    package struct Line: Equatable, Sendable {
        package var average10: Double
        package var average60: Double
        package var average300: Double
        package var total: Duration

        package init(average10: Double, average60: Double, average300: Double, total: Duration) {
            self.average10 = average10
            self.average60 = average60
            self.average300 = average300
            self.total = total
        }
    }

    /// At least one task waited.
    package var some: Line
    /// All tasks waited at the same time; nil where the kernel does not tell.
    package var full: Line?

    package init(some: Line, full: Line?) {
        self.some = some
        self.full = full
    }
}

/// The text of `/proc/pressure/*` and `*.pressure` (`some avg10=0.00 avg60=0.00 avg300=0.00
/// total=0`).
package enum PressureFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> Pressure? {
        var some: Pressure.Line?
        var full: Pressure.Line?
        for row in text.split(separator: "\n") {
            let words = row.split(separator: " ")
            guard let line = line(words.dropFirst()) else { return nil }
            switch words[0] {
            case "some": some = line
            case "full": full = line
            default: return nil
            }
        }
        return some.map { Pressure(some: $0, full: full) }
    }

    /// How long some task has waited until now, in microseconds, and nothing else: the one number
    /// that is wanted many times a second. Nil when the bytes are no pressure file.
    package static func someTotal(_ bytes: ArraySlice<UInt8>) -> Int? { total("some", bytes) }

    /// The same for the time in which all tasks have waited at once.
    package static func fullTotal(_ bytes: ArraySlice<UInt8>) -> Int? { total("full", bytes) }

    private static func total(_ line: StaticString, _ bytes: ArraySlice<UInt8>) -> Int? {
        guard let line = KernelBytes.line(line, in: bytes) else { return nil }
        return KernelBytes.after(first: "total=", in: line).flatMap(KernelBytes.number)
    }

    private static func line(_ words: ArraySlice<Substring>) -> Pressure.Line? {
        var values: [Substring: Substring] = [:]
        for word in words {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            values[parts[0]] = parts[1]
        }
        let percent = { (key: Substring) -> Double? in
            values[key].flatMap { Double($0) }.flatMap { (0...100).contains($0) ? $0 : nil }
        }
        guard let average10 = percent("avg10"), let average60 = percent("avg60"),
            let average300 = percent("avg300"),
            let total = values["total"].flatMap({ Int($0) }), total >= 0
        else { return nil }
        return Pressure.Line(
            average10: average10, average60: average60, average300: average300,
            total: .microseconds(total))
    }
}

/// What a victim wrote of the messages that came to it from the other one.
package struct VictimMessages: Sendable {
    package struct Line: Sendable {
        /// On the monotonic clock, in nanoseconds.
        package var at: Int
        /// Messages so far, and those of them that were not the next one.
        package var came: Int
        package var wrong: Int
    }

    package var lines: [Line]

    package init(_ text: String) {
        lines = text.split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 3 else { return nil }
            return Line(at: numbers[0], came: numbers[1], wrong: numbers[2])
        }
    }

    /// How many were lost, or came twice or out of order.
    package var wrong: Int { lines.last?.wrong ?? 0 }

    /// How many came after a moment.
    package func came(after moment: Int) -> Int {
        let before = lines.last { $0.at <= moment }?.came ?? 0
        return (lines.last?.came ?? 0) - before
    }
}

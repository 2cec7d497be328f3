/// When a bad plugin began its harm, told by itself.
package struct HarmStamp: Sendable, Equatable {
    /// On the monotonic clock, in nanoseconds.
    package var at: Int
    /// Seconds since 1970.
    package var time: Double

    /// Each time that it began, in order.
    package static func all(in text: String) -> [HarmStamp] {
        text.split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 2 else { return nil }
            return HarmStamp(at: numbers[0], time: Double(numbers[1]) / 1e9)
        }
    }
}

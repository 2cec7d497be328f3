import PoiseModel

/// All that is wrong with a configuration, each mistake with its path.
package struct ConfigurationMistakes: Error, Sendable, Equatable, CustomStringConvertible {
    package var mistakes: [String]

    package init(mistakes: [String]) { self.mistakes = mistakes }

    package var description: String { mistakes.joined(separator: "; ") }
}

/// Reads typed values out of JSON and collects what is wrong.
struct ConfigurationReader {
    private(set) var mistakes: [String] = []

    mutating func mistake(_ path: String, _ text: String) {
        mistakes.append(path.isEmpty ? text : "\(path): \(text)")
    }

    /// Whether `json` is an object with none but known keys that occur once.
    mutating func object(_ json: JSON, _ path: String, known: [String]) -> Bool {
        guard let members = json.members else {
            mistake(path, "expected an object, found \(json)")
            return false
        }
        var seen: Set<String> = []
        for member in members {
            let inner = path.isEmpty ? member.key : "\(path).\(member.key)"
            if !known.contains(member.key) {
                mistake(inner, "unknown key (known: \(known.joined(separator: ", ")))")
            } else if !seen.insert(member.key).inserted {
                mistake(inner, "given twice")
            }
        }
        return true
    }

    mutating func text(_ json: JSON?, _ path: String) -> String? {
        guard let json else { return nil }
        guard let text = json.string, !text.isEmpty else {
            mistake(path, "expected a text, found \(json)")
            return nil
        }
        return text
    }

    mutating func required(_ json: JSON?, _ path: String) -> String? {
        guard json != nil else {
            mistake(path, "missing")
            return nil
        }
        return text(json, path)
    }

    mutating func truth(_ json: JSON?, _ path: String) -> Bool? {
        guard let json else { return nil }
        guard let value = json.bool else {
            mistake(path, "expected true or false, found \(json)")
            return nil
        }
        return value
    }

    mutating func choice(_ json: JSON?, _ path: String, of known: [String]) -> String? {
        guard let json else { return nil }
        guard let text = json.string, known.contains(text) else {
            mistake(path, "expected one of \(known.joined(separator: ", ")), found \(json)")
            return nil
        }
        return text
    }

    mutating func number(_ json: JSON?, _ path: String) -> Double? {
        guard let json else { return nil }
        guard let value = json.number, value.isFinite else {
            mistake(path, "expected a number, found \(json)")
            return nil
        }
        return value
    }

    mutating func integer(_ json: JSON?, _ path: String, in range: ClosedRange<Int>) -> Int? {
        guard let json else { return nil }
        guard let value = json.integer, range.contains(value) else {
            mistake(
                path,
                "expected a whole number from \(range.lowerBound) to \(range.upperBound), "
                    + "found \(json)")
            return nil
        }
        return value
    }

    mutating func duration(
        _ json: JSON?, _ path: String, least: Duration = .milliseconds(1)
    ) -> Duration? {
        guard let json else { return nil }
        guard let text = json.string, let value = DurationText.parse(text) else {
            mistake(path, "expected a duration such as 100ms, 10s, 5min or 1h, found \(json)")
            return nil
        }
        guard value >= least, value <= .seconds(31_536_000) else {
            mistake(path, "expected at least \(least.wholeMilliseconds)ms and at most a year")
            return nil
        }
        return value
    }
}

/// Durations as people write them.
enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("ms", 1e6), ("min", 60e9), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
        ("d", 86_400e9),
    ]

    /// Reads `10s`, `100ms`, `1.5h`; nil when it is none.
    static func parse(_ text: String) -> Duration? {
        for (suffix, nanoseconds) in units where text.hasSuffix(suffix) {
            let digits = text.dropLast(suffix.count)
            guard digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }),
                let value = Double(digits), value * nanoseconds < 9e18
            else { continue }
            return .nanoseconds(Int(value * nanoseconds))
        }
        return nil
    }
}

// Reading numbers and times out of bytes without making a String: the hot part of parsing.
// Everything takes the bytes as a bounds-checked Span, so bad input can at worst be refused.

/// Bytes of a line that is being read.
typealias Bytes = Span<UInt8>

enum FieldScan {
    /// Powers of ten that a Double holds exactly; with a mantissa below 2^53 one multiplication or
    /// division by them rounds correctly (Clinger, "How to Read Floating Point Numbers
    /// Accurately").
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// Reads a decimal number at `position` and moves it behind; nil when there is none.
    static func number(_ bytes: Bytes, at position: inout Int, to end: Int) -> Double? {
        let start = position
        var negative = false
        if position < end, bytes[position] == UInt8(ascii: "-") {
            negative = true
            position += 1
        } else if position < end, bytes[position] == UInt8(ascii: "+") {
            position += 1
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        digits += scanDigits(bytes, &position, end, into: &mantissa)
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            let fraction = scanDigits(bytes, &position, end, into: &mantissa)
            digits += fraction
            exponent = -fraction
        }
        guard digits > 0 else { return nil }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            guard let power = scanExponent(bytes, &position, end) else { return nil }
            exponent += power
        }
        guard digits <= 18, mantissa < 1 << 53, exponent.magnitude <= 22 else {
            return slowNumber(bytes, start..<position)
        }
        let size = Double(mantissa)
        let value = exponent < 0 ? size / powers[-exponent] : size * powers[exponent]
        return negative ? -value : value
    }

    private static func scanDigits(
        _ bytes: Bytes, _ position: inout Int, _ end: Int, into mantissa: inout UInt64
    ) -> Int {
        let start = position
        while position < end {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            position += 1
        }
        return position - start
    }

    private static func scanExponent(_ bytes: Bytes, _ position: inout Int, _ end: Int) -> Int? {
        position += 1
        var negative = false
        if position < end {
            negative = bytes[position] == UInt8(ascii: "-")
            if negative || bytes[position] == UInt8(ascii: "+") { position += 1 }
        }
        var power: UInt64 = 0
        let digits = scanDigits(bytes, &position, end, into: &power)
        guard digits > 0, digits <= 4 else { return nil }
        return negative ? -Int(power) : Int(power)
    }

    /// Long mantissas and large exponents, by the standard library; refuses what is not finite.
    private static func slowNumber(_ bytes: Bytes, _ range: Range<Int>) -> Double? {
        guard range.count <= 400 else { return nil }
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The number that `range` is, with nothing before or behind.
    static func wholeNumber(_ bytes: Bytes, _ range: Range<Int>) -> Double? {
        var position = range.lowerBound
        guard let value = number(bytes, at: &position, to: range.upperBound),
            position == range.upperBound
        else { return nil }
        return value
    }

    /// The moment that `range` tells: ISO 8601, `YYYY-MM-DD HH:MM:SS` (UTC), or an epoch number.
    static func time(_ bytes: Bytes, _ range: Range<Int>) -> EventTime? {
        if range.count >= 10, bytes[range.lowerBound + 4] == UInt8(ascii: "-") {
            return date(bytes, range)
        }
        guard let value = wholeNumber(bytes, range) else { return nil }
        return EventTime(epoch: value)
    }

    private static func date(_ bytes: Bytes, _ range: Range<Int>) -> EventTime? {
        let start = range.lowerBound
        let end = range.upperBound
        guard let year = fixed(bytes, start, 4, end), let month = fixed(bytes, start + 5, 2, end),
            bytes[start + 7] == UInt8(ascii: "-"), let day = fixed(bytes, start + 8, 2, end)
        else { return nil }
        var position = start + 10
        var seconds = 0
        var microsecond = 0
        if position < end {
            guard
                bytes[position] == UInt8(ascii: "T") || bytes[position] == UInt8(ascii: " ")
                    || bytes[position] == UInt8(ascii: "t"),
                let time = timeOfDay(bytes, from: position + 1, to: end)
            else { return nil }
            (seconds, microsecond, position) = time
            guard let offset = zone(bytes, from: position, to: end) else { return nil }
            seconds -= offset
        }
        return EventTime(
            year: year, month: month, day: day, secondOfDay: seconds, microsecond: microsecond)
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`; gives where it ends too.
    private static func timeOfDay(
        _ bytes: Bytes, from start: Int, to end: Int
    ) -> (seconds: Int, microsecond: Int, position: Int)? {
        guard let hour = fixed(bytes, start, 2, end), hour <= 23, start + 2 < end,
            bytes[start + 2] == UInt8(ascii: ":"),
            let minute = fixed(bytes, start + 3, 2, end), minute <= 59
        else { return nil }
        var position = start + 5
        var second = 0
        var microsecond = 0
        if position < end, bytes[position] == UInt8(ascii: ":") {
            guard let value = fixed(bytes, position + 1, 2, end), value <= 60 else { return nil }
            second = value
            position += 3
            if position < end, bytes[position] == UInt8(ascii: ".") {
                position += 1
                var fraction: UInt64 = 0
                let from = position
                let digits = scanDigits(bytes, &position, min(end, from + 6), into: &fraction)
                guard digits > 0 else { return nil }
                for _ in digits..<6 { fraction *= 10 }
                microsecond = Int(fraction)
                while position < end, bytes[position] &- UInt8(ascii: "0") <= 9 { position += 1 }
            }
        }
        return (hour * 3600 + minute * 60 + second, microsecond, position)
    }

    /// Seconds east of UTC: nothing, `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    private static func zone(_ bytes: Bytes, from start: Int, to end: Int) -> Int? {
        guard start < end else { return 0 }
        if bytes[start] | 0x20 == UInt8(ascii: "z") { return start + 1 == end ? 0 : nil }
        let west = bytes[start] == UInt8(ascii: "-")
        guard west || bytes[start] == UInt8(ascii: "+"),
            let hours = fixed(bytes, start + 1, 2, end),
            hours <= 18
        else { return nil }
        var position = start + 3
        var minutes = 0
        if position < end {
            if bytes[position] == UInt8(ascii: ":") { position += 1 }
            guard let value = fixed(bytes, position, 2, end), value <= 59, position + 2 == end
            else { return nil }
            minutes = value
        }
        let seconds = hours * 3600 + minutes * 60
        return west ? -seconds : seconds
    }

    /// Exactly `count` digits at `start`.
    private static func fixed(_ bytes: Bytes, _ start: Int, _ count: Int, _ end: Int) -> Int? {
        guard start + count <= end else { return nil }
        var value = 0
        for index in start..<start + count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }
}

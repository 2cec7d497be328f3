/// A moment in event time: microseconds since 1970-01-01 00:00:00 UTC.
package struct EventTime: Hashable, Sendable, Comparable {
    package var microseconds: Int

    package init(microseconds: Int) { self.microseconds = microseconds }

    /// Before every event; what a watermark is before the first.
    package static let beginning = EventTime(microseconds: -1 << 61)
    /// After every event; what a watermark is when nothing more can come.
    package static let end = EventTime(microseconds: 1 << 61)

    package static func < (left: EventTime, right: EventTime) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Moves the moment by so many microseconds.
    package func advanced(by microseconds: Int) -> EventTime {
        EventTime(microseconds: self.microseconds + microseconds)
    }
}

extension EventTime {
    /// Years 1 to 9999, which is what the text form can say.
    private static let readable = -62_135_596_800_000_000..<253_402_300_800_000_000

    /// The moment of a date and time of day in UTC; nil when there is no such date or time.
    package init?(
        year: Int, month: Int, day: Int, secondOfDay: Int, microsecond: Int = 0
    ) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.days(inMonth: month, of: year)
        else { return nil }
        let days = Self.dayNumber(year: year, month: month, day: day)
        microseconds = (days * 86_400 + secondOfDay) * 1_000_000 + microsecond
    }

    /// The moment of an epoch number: seconds, or, by its size, milli-, micro- or nanoseconds.
    package init?(epoch value: Double) {
        let size = value.magnitude
        guard size.isFinite else { return nil }
        let microseconds =
            if size < 1e11 {
                value * 1e6
            } else if size < 1e14 { value * 1e3 } else if size < 1e17 { value } else { value / 1e3 }
        guard microseconds.magnitude < 9e17 else { return nil }
        self.microseconds = Int(microseconds.rounded())
        guard Self.readable.contains(self.microseconds) else { return nil }
    }

    /// Days from 1970-01-01, by Howard Hinnant's `days_from_civil`.
    private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension EventTime: CustomStringConvertible {
    /// ISO 8601 in UTC, such as `2014-04-10T07:15:00Z`, with a fraction only where there is one.
    package var description: String {
        var days = microseconds / 86_400_000_000
        var rest = microseconds % 86_400_000_000
        if rest < 0 {
            days -= 1
            rest += 86_400_000_000
        }
        let (year, month, day) = Self.date(dayNumber: days)
        let seconds = rest / 1_000_000
        var text = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
        text += "\(Self.padded(seconds / 3600, 2)):\(Self.padded(seconds / 60 % 60, 2)):"
        text += Self.padded(seconds % 60, 2)
        let fraction = rest % 1_000_000
        if fraction != 0 {
            text +=
                fraction % 1000 == 0
                ? "." + Self.padded(fraction / 1000, 3) : "." + Self.padded(fraction, 6)
        }
        return text + "Z"
    }

    /// The civil date of a day number, by Howard Hinnant's `civil_from_days`.
    private static func date(dayNumber: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let index = (5 * dayOfYear + 2) / 153
        let month = index < 10 ? index + 3 : index - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * index + 2) / 5 + 1)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

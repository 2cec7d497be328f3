import Glibc
package import PoiseModel

/// Shows events to people, a line each.
package struct EventLines {
    private let events: [JSON]
    private let console: Console

    package init(_ events: [JSON], console: Console) {
        self.events = events
        self.console = console
    }

    package var lines: [String] {
        events.map { event in
            let time = event["time"]?.number.map(EventLines.local) ?? console.glyphs.unknown
            let kind = event["kind"]?.string ?? console.glyphs.unknown
            let feature = event["feature"]?.string.map { console.paint(.bold, $0) + " " } ?? ""
            return "\(console.paint(.dim, time))  \(DisplayWidth.padded(kind, to: 10)) "
                + feature + (event["text"]?.string ?? "")
        }
    }

    /// Date and time of day in the zone of this user (`localtime_r(3)`).
    private static func local(_ unixSeconds: Double) -> String {
        guard unixSeconds.isFinite, abs(unixSeconds) < 1e12 else { return "?" }
        var seconds = time_t(unixSeconds)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "?" }
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%F %T", &parts)
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

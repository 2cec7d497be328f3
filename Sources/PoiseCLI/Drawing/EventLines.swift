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
            let time = event["time"]?.number.map { LocalTime.text($0) } ?? console.glyphs.unknown
            let kind = event["kind"]?.string ?? console.glyphs.unknown
            let feature = event["feature"]?.string.map { console.paint(.bold, $0) + " " } ?? ""
            return "\(console.paint(.dim, time))  \(DisplayWidth.padded(kind, to: 10)) "
                + feature + (event["text"]?.string ?? "")
        }
    }
}

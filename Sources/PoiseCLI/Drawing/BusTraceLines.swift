package import PoiseModel

/// Shows people messages of the bus, a line each, and what was too fast to be followed.
package struct BusTraceLines {
    private let messages: [JSON]
    private let missed: Int
    private let console: Console

    package init(_ messages: [JSON], missed: Int, console: Console) {
        self.messages = messages
        self.missed = missed
        self.console = console
    }

    package var lines: [String] {
        let gap = missed > 0 ? [console.paint(.warning, gapText)] : []
        return gap + messages.flatMap { lines(of: $0) }
    }

    private var gapText: String {
        missed == 1 ? "1 message passed unseen" : "\(missed) messages passed unseen"
    }

    private func lines(of message: JSON) -> [String] {
        let time = message["time"]?.number.map { BusTraceLines.time($0) } ?? console.glyphs.unknown
        var parts = [
            console.paint(.dim, time),
            console.paint(.bold, text(message["from"])) + console.glyphs.arrow
                + console.paint(.bold, text(message["to"])),
            text(message["lane"]), "#\(text(message["sequence"]))",
            "\(text(message["bytes"])) B" + (message["inArena"]?.bool == true ? " in arena" : ""),
        ]
        if let request = message["request"]?.integer {
            parts.append(message["isReply"]?.bool == true ? "reply \(request)" : "asks \(request)")
        }
        var lines = [parts.joined(separator: "  ")]
        if let trace = message["traceId"]?.string {
            let span = message["spanId"]?.string.map { " span \($0)" } ?? ""
            lines.append("  trace \(PrintableText.of(trace))\(span)")
        }
        if let text = message["text"]?.string {
            // One message is not to look like several.
            let line = PrintableText.of(text.split(separator: "\n").joined(separator: "\\n"))
            lines.append("  " + DisplayWidth.cut(line, to: console.width - 2, console.glyphs))
        } else if let hex = message["hex"]?.string {
            lines.append("  " + DisplayWidth.cut(hex, to: console.width - 2, console.glyphs))
        }
        return lines
    }

    /// `14:03:07.123456`.
    private static func time(_ seconds: Double) -> String {
        let micros = Int((seconds - seconds.rounded(.down)) * 1e6)
        let digits = String(micros)
        return LocalTime.text(seconds, "%T") + "."
            + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private func text(_ value: JSON?) -> String {
        value?.string.map { PrintableText.of($0) } ?? value?.integer.map { "\($0)" }
            ?? console.glyphs.unknown
    }
}

import PoiseModel
import PoiseWire

/// `poise chaos list`: what harm can be done, and what is being done.
enum ChaosListCommand {
    static let command = Command(
        path: ["chaos", "list"], summary: "list the faults there are, and those that go on",
        options: [.json, .runtimeFolder],
        examples: [.init("poise chaos list", "every fault, and what is active")]
    ) { (invocation, console) throws(CommandFailure) in
        let answer = try DaemonCall(invocation).ask(.chaos, ["command": "list"])
        if invocation.wantsJSON {
            console.print(answer)
            return .done
        }
        var table = Table([.init("FAULT"), .init("TAKES"), .init("WHAT IT DOES", wraps: true)])
        for fault in ChaosFault.allCases {
            let takes = fault.parameters.map { $0 == .feature ? "FEATURE" : "--\($0.rawValue)" }
            table.add([
                .init(fault.rawValue, .bold), .init(takes.joined(separator: " ")),
                .init(fault.words),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        for line in active(answer["chaos"] ?? .null) {
            for part in DisplayWidth.wrapped(line, to: console.width) { console.print(part) }
        }
        return .done
    }

    private static func active(_ chaos: JSON) -> [String] {
        guard let entries = chaos["active"]?.array else {
            return ["chaos is off here: start a daemon for it with poised --chaos"]
        }
        guard !entries.isEmpty else { return ["chaos is on; no fault is active"] }
        return entries.map { entry in
            let feature = entry["feature"]?.string.map { " on \($0)" } ?? ""
            let rest = entry["endsInSeconds"]?.number.map {
                ", \(QuantityText.duration(.seconds($0))) more"
            }
            return "\(entry["fault"]?.string ?? "?")\(feature)\(rest ?? ""): "
                + (entry["text"]?.string ?? "")
        }
    }
}

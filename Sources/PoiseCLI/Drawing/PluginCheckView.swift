import PoiseModel

/// Shows to a plugin's author how its life went.
struct PluginCheckView {
    let file: String
    let steps: [JSON]
    let isGood: Bool
    /// How the host ended, in words.
    let end: String

    func lines(_ console: Console) -> [String] {
        var table = Table([
            .init("STEP"), .init("TIME", number: true), .init("RESULT"), .init("", wraps: true),
        ])
        for step in steps {
            let isOK = step["ok"]?.bool ?? false
            let time = step["milliseconds"]?.number.map {
                QuantityText.duration(.microseconds(Int(($0 * 1000).rounded())))
            }
            table.add([
                .init(step["step"]?.string ?? "", .bold), .init(time ?? ""),
                .init(isOK ? "good" : "failed", isOK ? .good : .bad), .init(details(of: step)),
            ])
        }
        let verdict =
            isGood
            ? console.paint(.good, "\(file) is a good plugin")
            : console.paint(.bad, "\(file) is no good plugin: \(end)")
        return table.lines(width: console.width, paint: console.paint) + ["", verdict]
    }

    private func details(of step: JSON) -> String {
        if let error = step["error"]?.string { return error }
        let problems = (step["problems"]?.array ?? []).compactMap(\.string)
        if !problems.isEmpty { return problems.joined(separator: "; ") }
        switch step["step"]?.string {
        case "open":
            let name = step["name"]?.string ?? "?"
            return "\(name) \(step["version"]?.string ?? "")"
        case "apply": return step["exclusive"]?.string.map { "CPUs \($0)" } ?? ""
        case "serviceLevel": return step["level"]?.string ?? ""
        case "shrink": return step["bytes"]?.integer.map(QuantityText.bytes) ?? ""
        case "healthy": return step["health"]?.string ?? ""
        default: return ""
        }
    }
}

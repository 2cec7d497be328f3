/// Writes quantities as a policy file does, for people.
package enum QuantityText {
    /// `3`, `0.5`, `1.25` cores.
    package static func cores(_ millicores: Int) -> String {
        let sign = millicores < 0 ? "-" : ""
        let size = abs(millicores)
        guard size % 1000 != 0 else { return sign + String(size / 1000) }
        var fraction = String(size % 1000 + 1000).dropFirst()
        while fraction.last == "0" { fraction = fraction.dropLast() }
        return "\(sign)\(size / 1000).\(fraction)"
    }

    /// `512 MiB`, `1.5 GiB`, `0 B`: three digits at most, binary units.
    package static func bytes(_ bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(decimal(value, digits: value < 10 && unit > 0 ? 1 : 0)) \(units[unit])"
    }

    /// A duration with a unit that keeps it short: `850 µs`, `12.5 ms`, `3.2 s`, `4 min`.
    package static func duration(_ duration: Duration) -> String {
        let seconds = duration.inSeconds
        switch abs(seconds) {
        case 0: return "0 s"
        case ..<0.001: return "\(decimal(seconds * 1e6, digits: 0)) µs"
        case ..<1: return "\(decimal(seconds * 1e3, digits: seconds < 0.1 ? 1 : 0)) ms"
        case ..<120: return "\(decimal(seconds, digits: seconds < 10 ? 1 : 0)) s"
        case ..<7200: return "\(decimal(seconds / 60, digits: 0)) min"
        case ..<172_800: return "\(decimal(seconds / 3600, digits: 0)) h"
        default: return "\(decimal(seconds / 86400, digits: 0)) days"
        }
    }

    /// A number with at most `digits` (0…6) decimals; `.0` is left off.
    package static func decimal(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 9e15 else { return "\(value)" }
        let whole = Int(scaled / scale)
        let rest = abs(Int(scaled) - whole * Int(scale))
        guard rest != 0 else { return "\(whole)" }
        let text = String(rest)
        let fraction = String(repeating: "0", count: digits - text.count) + text
        var shown = fraction[...]
        while shown.last == "0" { shown = shown.dropLast() }
        return (scaled < 0 && whole == 0 ? "-" : "") + "\(whole).\(shown)"
    }
}

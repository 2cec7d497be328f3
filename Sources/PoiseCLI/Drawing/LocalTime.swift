import Glibc

/// Moments in the zone of this user (`localtime_r(3)`).
enum LocalTime {
    /// `2026-11-21 15:04:05`; `?` when there is no such moment.
    static func text(_ unixSeconds: Double) -> String { text(unixSeconds, "%F %T") }

    /// By a format of `strftime(3)`.
    static func text(_ unixSeconds: Double, _ format: String) -> String {
        guard unixSeconds.isFinite, abs(unixSeconds) < 1e12 else { return "?" }
        var seconds = time_t(unixSeconds)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "?" }
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, format, &parts)
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

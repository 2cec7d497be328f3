/// How much a line of the log matters.
public enum LogLevel: String, CaseIterable, Sendable, Hashable, Comparable {
    /// For the plugin's author.
    case debug
    /// Worth knowing.
    case info
    /// Works with less than it should have.
    case warning
    /// Something was lost.
    case error

    /// 0 for debug, 3 for error (`POISE_DEBUG` to `POISE_ERROR`).
    public var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    /// Orders from least to most serious.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// What a plugin tells of its load; nil is "not known", never 0.
public struct Report: Sendable, Equatable {
    /// 0…1 of what it was given.
    public var utilisation: Double?
    /// Items that wait.
    public var queueDepth: Int?
    /// Items a second.
    public var throughputPerSecond: Double?
    /// Half of the items take no longer.
    public var latencyP50: Duration?
    /// 99 of 100 items take no longer.
    public var latencyP99: Duration?
    /// Errors since it started.
    public var errors: Int?
    /// The plugin's own values; at most 32, with names of at most 47 letters, digits and `_.:-`.
    public var gauges: [(name: String, value: Double)]

    /// Nothing is known.
    public init() { gauges = [] }

    /// Whether both tell the same.
    public static func == (left: Report, right: Report) -> Bool {
        left.utilisation == right.utilisation && left.queueDepth == right.queueDepth
            && left.throughputPerSecond == right.throughputPerSecond
            && left.latencyP50 == right.latencyP50 && left.latencyP99 == right.latencyP99
            && left.errors == right.errors
            && left.gauges.elementsEqual(right.gauges) { $0 == $1 }
    }
}

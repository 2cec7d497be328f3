/// Who caused a message, as the W3C recommendation Trace Context has it (`traceparent`).
package struct TraceContext: Sendable, Hashable {
    /// All zero: none.
    package var trace: (high: UInt64, low: UInt64) {
        get { (traceHigh, traceLow) }
        set { (traceHigh, traceLow) = newValue }
    }
    private var traceHigh: UInt64
    private var traceLow: UInt64
    package var span: UInt64
    /// Bit 0: sampled.
    package var flags: UInt8

    package init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
    }
}

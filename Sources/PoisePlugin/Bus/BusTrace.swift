import PluginABI

extension Bus {
    /// Who caused a message, as the W3C recommendation Trace Context has it (`traceparent`).
    public struct Trace: Sendable, Hashable {
        /// The upper half of the trace's number.
        public var traceHigh: UInt64
        /// The lower half of the trace's number.
        public var traceLow: UInt64
        /// The number of the step that sent it.
        public var span: UInt64
        /// Whether the trace is recorded.
        public var isSampled: Bool

        /// A trace's two numbers.
        public init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, isSampled: Bool = true) {
            self.traceHigh = traceHigh
            self.traceLow = traceLow
            self.span = span
            self.isSampled = isSampled
        }

        /// Nil when nobody is known.
        init?(_ border: poise_trace) {
            guard border.trace_high | border.trace_low | border.span != 0 else { return nil }
            self.init(
                traceHigh: border.trace_high, traceLow: border.trace_low, span: border.span,
                isSampled: border.flags & 1 == 1)
        }

        var border: poise_trace {
            var border = poise_trace()
            border.trace_high = traceHigh
            border.trace_low = traceLow
            border.span = span
            border.flags = isSampled ? 1 : 0
            return border
        }
    }
}

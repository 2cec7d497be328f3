import PoiseModel

/// Windows of event time: `size` long, one beginning every `slide`; tumbling when they are equal.
///
/// Windows begin at whole multiples of the slide since 1970. Values are kept in panes, the pieces
/// that all windows are made of, so that a value is added once however many windows share it.
package struct WindowShape: Sendable, Equatable {
    /// Microseconds.
    package let size: Int
    package let slide: Int

    package init(size: Duration, slide: Duration? = nil) {
        let size = size.wholeNanoseconds / 1000
        let slide = slide.map { $0.wholeNanoseconds / 1000 } ?? size
        precondition(size > 0 && slide > 0 && slide <= size, "no window: \(size) by \(slide)")
        self.size = size
        self.slide = slide
    }

    /// The length of a pane: what divides both size and slide.
    var pane: Int {
        var (larger, smaller) = (size, slide)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger
    }

    /// The start of the pane that holds a moment.
    func paneStart(of time: EventTime) -> EventTime { Self.floor(time, to: pane) }

    /// The start of the last window that holds a moment.
    package func lastStart(of time: EventTime) -> EventTime { Self.floor(time, to: slide) }

    /// The start of the first window that holds a moment.
    package func firstStart(of time: EventTime) -> EventTime {
        Self.floor(time.advanced(by: -size), to: slide).advanced(by: slide)
    }

    /// When nothing of a moment can be used any more: its last window has ended by the watermark.
    func isLate(_ time: EventTime, at watermark: EventTime) -> Bool {
        lastStart(of: time).advanced(by: size) <= watermark
    }

    private static func floor(_ time: EventTime, to step: Int) -> EventTime {
        let rest = time.microseconds % step
        return time.advanced(by: rest < 0 ? -rest - step : -rest)
    }
}

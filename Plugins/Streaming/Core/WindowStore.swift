/// The open windows of one key: a few panes in order of time.
struct WindowStore: Sendable {
    private struct Pane: Sendable {
        var start: EventTime
        var aggregate = Aggregate()
    }

    private var panes: [Pane] = []
    /// Windows that begin before this have been given out.
    private var next = EventTime.beginning
    /// Late values since the last window was given out.
    private(set) var late = 0

    var paneCount: Int { panes.count }

    /// A window that is given out.
    struct Closed {
        var start: EventTime
        var end: EventTime
        var aggregate: Aggregate
        var late: Int
        /// Given out before its time, as nothing more will be read.
        var partial: Bool
    }

    enum Added {
        case late
        /// Into a pane that was there already.
        case known
        /// Into a new pane, so that a window may now end earlier than any before.
        case opened
    }

    /// Counts a late value; the windows that had ended before it must have been given out.
    mutating func countLate() { late += 1 }

    /// Adds a value unless it is late.
    mutating func add(
        _ value: Double, at time: EventTime, watermark: EventTime, shape: WindowShape, pane: Int
    ) -> Added {
        if let last = panes.indices.last {
            let since = time.microseconds - panes[last].start.microseconds
            // The newest pane ends after the watermark or would have been given out.
            if since >= 0, since < pane, !shape.isLate(time, at: watermark) {
                panes[last].aggregate.add(value, at: time)
                return .known
            }
        }
        guard !shape.isLate(time, at: watermark) else { return .late }
        let before = panes.count
        panes[position(of: shape.paneStart(of: time))].aggregate.add(value, at: time)
        return panes.count > before ? .opened : .known
    }

    /// The place of the pane that begins at `start`, which is made when it is not there.
    private mutating func position(of start: EventTime) -> Int {
        var position = panes.count
        while position > 0, panes[position - 1].start > start { position -= 1 }
        if position > 0, panes[position - 1].start == start { return position - 1 }
        panes.insert(Pane(start: start), at: position)
        return position
    }

    /// When the first of the open windows ends; nil when there is none.
    func firstEnd(_ shape: WindowShape) -> EventTime? {
        guard let pane = panes.first else { return nil }
        return max(next, shape.firstStart(of: pane.start)).advanced(by: shape.size)
    }

    /// How many windows hold a value and are not given out.
    func openWindows(_ shape: WindowShape) -> Int {
        guard let first = panes.first, let last = panes.last else { return 0 }
        let start = max(next, shape.firstStart(of: first.start)).microseconds
        return max(0, (shape.lastStart(of: last.start).microseconds - start) / shape.slide + 1)
    }

    /// Gives every window that has ended by the watermark, in order of time.
    mutating func close(
        until watermark: EventTime, shape: WindowShape, partial: Bool, _ give: (Closed) -> Void
    ) {
        while let first = panes.first {
            let start = max(next, shape.firstStart(of: first.start))
            let end = start.advanced(by: shape.size)
            guard end <= watermark else { return }
            var aggregate = Aggregate()
            for pane in panes where pane.start >= start && pane.start < end {
                aggregate.merge(pane.aggregate)
            }
            if aggregate.count > 0 {
                give(
                    Closed(
                        start: start, end: end, aggregate: aggregate, late: late, partial: partial))
                late = 0
            }
            next = start.advanced(by: shape.slide)
            panes.removeAll { $0.start < next }
        }
    }
}

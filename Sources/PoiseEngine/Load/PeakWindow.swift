package import PoiseModel

/// The largest of the values of the last while, in eight steps of time.
///
/// A value is forgotten when its step is older than the window, so a peak holds for the window and
/// up to an eighth of it longer.
package struct PeakWindow: Sendable, Equatable, Codable {
    private static let steps = 8
    private let step: Int
    private var peaks: [Int] = []
    /// The number of the newest step, in steps since the clock's start.
    private var newest = 0

    /// - Parameter span: at least eight nanoseconds.
    package init(_ span: Duration) { step = max(1, span.wholeNanoseconds / PeakWindow.steps) }

    package mutating func add(_ value: Int, now: Instant) {
        let number = now.nanoseconds / step
        if peaks.isEmpty || number - newest > PeakWindow.steps { peaks = [] }
        if peaks.isEmpty {
            peaks = [value]
        } else {
            for _ in newest..<max(newest, number) { peaks.append(value) }
            peaks[peaks.count - 1] = max(peaks[peaks.count - 1], value)
        }
        newest = max(newest, number)
        // One step more than the window, since the newest has only begun.
        if peaks.count > PeakWindow.steps + 1 {
            peaks.removeFirst(peaks.count - PeakWindow.steps - 1)
        }
    }

    /// Nil before the first value.
    package var peak: Int? { peaks.max() }

    /// Whether values of a whole window are known.
    package var isFull: Bool { peaks.count > PeakWindow.steps }
}

extension PeakWindow: SelfChecking {
    package var contradiction: String? {
        step > 0 && peaks.count <= PeakWindow.steps + 1 ? nil : "has steps that cannot be"
    }
}

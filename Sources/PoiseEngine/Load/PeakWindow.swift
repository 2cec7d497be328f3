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

    /// Adds the value of the time since the one before it: it stands for the steps between, too.
    package mutating func add(_ value: Int, now: Instant) {
        let number = now.nanoseconds / step
        guard !peaks.isEmpty else {
            (peaks, newest) = ([value], number)
            return
        }
        // One step more than the window, since the newest has only begun.
        let most = PeakWindow.steps + 1
        let new = min(max(0, number - newest), most)
        peaks += Array(repeating: value, count: new)
        peaks[peaks.count - 1] = max(peaks[peaks.count - 1], value)
        newest = max(newest, number)
        if peaks.count > most { peaks.removeFirst(peaks.count - most) }
    }

    /// Whether it looks back so far.
    func isOf(_ span: Duration) -> Bool { step == PeakWindow(span).step }

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

import Synchronization

/// Turns for ever.
enum InfiniteLoop {
    /// Nobody sets it; the optimiser cannot know.
    private static let isOver = Atomic<Bool>(false)

    static func run() {
        while !isOver.load(ordering: .relaxed) { continue }
    }
}

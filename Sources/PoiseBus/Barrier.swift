import CLinux
import Synchronization

/// Makes sure that of two sides, one that says "I sleep" and looks, and one that writes and looks
/// whether the other sleeps, at least one sees what the other wrote.
///
/// That takes a full barrier on each side between its store and its load. The side that writes does
/// so for each message, so it has none where the kernel can make one on its behalf
/// (`membarrier(2)`): the side that goes to sleep pays for both.
enum Barrier {
    /// Whether the kernel makes barriers in this process for others; asked for once.
    static let isRemote: Bool = poise_bus_register_barrier() == 0

    /// Between a store that others wait for and the look whether they sleep.
    @inlinable @inline(__always)
    static func afterStore(_ isRemote: Bool) {
        if isRemote {
            // For the compiler only, on processors that keep stores in order.
            atomicMemoryFence(ordering: .acquiringAndReleasing)
        } else {
            atomicMemoryFence(ordering: .sequentiallyConsistent)
        }
    }

    /// Between saying that one sleeps and the last look. False when the kernel has no barrier for
    /// others: then one must not sleep long, since the other side may have relied on it.
    static func beforeSleep() -> Bool {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return poise_bus_barrier() == 0
    }
}

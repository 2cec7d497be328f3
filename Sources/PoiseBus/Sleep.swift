import CLinux
import PoiseModel

/// Waiting for the other side: looking for as long as it usually pays, then sleeping.
enum Sleep {
    /// Looks before an adaptive side goes to sleep: some 20 to 50 µs, what a wake costs.
    static let looks = 1000
    /// Longest sleep without another look, when the kernel has no barrier to make longer ones safe.
    static let unsafeNanoseconds: UInt64 = 1_000_000
    /// Longest sleep in one piece: whoever lost its other side looks again after it.
    static let longestNanoseconds: UInt64 = 1_000_000_000

    /// Looks until something is there; false when the wait's share of looking is over.
    static func spin(_ wait: BusWait, until deadline: UInt64, _ isThere: () -> Bool) -> Bool {
        var left = wait == .block ? 1 : looks
        while true {
            if isThere() { return true }
            left -= 1
            if left <= 0 {
                guard wait == .spin, BusClock.now < deadline else { return false }
                left = looks
            }
            poise_bus_pause()
        }
    }

    /// Sleeps on words until one of them changes or the time is over.
    static func sleep(on words: [poise_bus_word], until deadline: UInt64, isSafe: Bool) {
        let now = BusClock.now
        guard deadline > now else { return }
        let most = isSafe ? longestNanoseconds : unsafeNanoseconds
        words.withUnsafeBufferPointer {
            _ = poise_bus_wait($0.baseAddress, UInt32($0.count), min(deadline - now, most))
        }
    }
}

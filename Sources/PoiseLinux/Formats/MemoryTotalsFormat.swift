/// What `/proc/meminfo` tells of the machine's memory.
package struct MemoryTotals: Equatable, Sendable {
    package var totalBytes: Int
    /// What new programs could have without swapping.
    package var availableBytes: Int
    package var swapTotalBytes: Int?
    package var swapFreeBytes: Int?

    package init(
        totalBytes: Int, availableBytes: Int, swapTotalBytes: Int?, swapFreeBytes: Int?
    ) {
        self.totalBytes = totalBytes
        self.availableBytes = availableBytes
        self.swapTotalBytes = swapTotalBytes
        self.swapFreeBytes = swapFreeBytes
    }
}

/// The text of `/proc/meminfo` (`proc_meminfo(5)`).
package enum MemoryTotalsFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> MemoryTotals? {
        let values = KeyedLines.parse(text)
        let bytes = { (key: String) in values[key].flatMap(KeyedLines.bytes) }
        guard let total = bytes("MemTotal"), let available = bytes("MemAvailable") else {
            return nil
        }
        return MemoryTotals(
            totalBytes: total, availableBytes: available, swapTotalBytes: bytes("SwapTotal"),
            swapFreeBytes: bytes("SwapFree"))
    }
}

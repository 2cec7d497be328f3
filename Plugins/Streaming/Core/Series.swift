/// Everything that is kept of one key.
struct Series: Sendable {
    let name: [UInt8]
    let text: String
    let clock: Int
    var windows = WindowStore()
    var detector: AnomalyDetector?
    var isAnomalous = false
}

/// The series of one partition, found by the hash of their name; open addressing, never shrinks.
struct SeriesTable: Sendable {
    private var slots: [Int32] = Array(repeating: -1, count: 64)
    private var hashes: [UInt64] = []
    var series: [Series] = []

    /// The index of a reading's series; nil when it is new.
    func index(of reading: Reading, in batch: borrowing ParsedBatch) -> Int? {
        let mask = slots.count - 1
        var slot = Self.slot(reading.hash) & mask
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if hashes[index] == reading.hash, batch.isName(of: reading, series[index].name) {
                return index
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a series that is not there yet and gives its index.
    mutating func insert(_ new: Series, hash: UInt64) -> Int {
        series.append(new)
        hashes.append(hash)
        if series.count * 2 > slots.count {
            slots = Array(repeating: -1, count: slots.count * 2)
            for index in hashes.indices { place(index) }
        } else {
            place(series.count - 1)
        }
        return series.count - 1
    }

    private mutating func place(_ index: Int) {
        let mask = slots.count - 1
        var slot = Self.slot(hashes[index]) & mask
        while slots[slot] >= 0 { slot = (slot + 1) & mask }
        slots[slot] = Int32(index)
    }

    private static func slot(_ hash: UInt64) -> Int {
        Int((hash &* 0x9e37_79b9_7f4a_7c15) >> 33)
    }
}

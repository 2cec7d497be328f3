import Synchronization

/// What the consumer of a shared ring has done, in its file: two records, of which one counts
/// (`LinkWords.record`), and two places for a state, of which that record names one. A commit
/// writes the other record and, where it has a state, the other place, then makes that record count
/// by one store: wherever it is killed, heads and state belong together.
struct SharedRecord {
    private static let length = LinkWords.recordLength
    private static let place = LinkWords.recordLength + 8

    private let base: UnsafeMutableRawPointer

    init(_ consumer: UnsafeMutableRawPointer) { base = consumer }

    private var counter: SharedWord { LinkWords.word(base, LinkWords.record) }

    private func record(_ number: UInt64) -> UnsafeMutableRawPointer {
        base + LinkWords.records + Int(number & 1) * LinkWords.recordBytes
    }

    private func word(_ number: UInt64, _ offset: Int) -> SharedWord {
        LinkWords.word(record(number), offset)
    }

    /// Bytes of a lane that were committed.
    func head(_ lane: Int) -> UInt64 {
        let number = counter.pointee.load(ordering: .acquiring)
        return word(number, 8 * lane).pointee.load(ordering: .relaxed)
    }

    var state: UnsafeRawBufferPointer {
        let number = counter.pointee.load(ordering: .acquiring)
        let bytes = word(number, SharedRecord.length).pointee.load(ordering: .relaxed)
        let place = word(number, SharedRecord.place).pointee.load(ordering: .relaxed)
        return UnsafeRawBufferPointer(
            start: record(place) + LinkWords.recordState,
            count: min(Int(clamping: bytes), RingReader.stateBytes))
    }

    func commit(
        _ lanes: UnsafeMutablePointer<SharedRingReader.Lane>, state: UnsafeRawBufferPointer?
    ) {
        let number = counter.pointee.load(ordering: .relaxed)
        let next = number &+ 1
        for lane in 0..<LinkLayout.lanes {
            word(next, 8 * lane).pointee.store(lanes[lane].position << 6, ordering: .relaxed)
        }
        var bytes = word(number, SharedRecord.length).pointee.load(ordering: .relaxed)
        var place = word(number, SharedRecord.place).pointee.load(ordering: .relaxed)
        if let state {
            precondition(
                state.count <= RingReader.stateBytes, "a state of \(state.count) bytes is too long")
            place ^= 1
            bytes = UInt64(state.count)
            UnsafeMutableRawBufferPointer(
                start: record(place) + LinkWords.recordState, count: state.count
            ).copyMemory(from: state)
        }
        word(next, SharedRecord.length).pointee.store(bytes, ordering: .relaxed)
        word(next, SharedRecord.place).pointee.store(place, ordering: .relaxed)
        counter.pointee.store(next, ordering: .releasing)
    }
}

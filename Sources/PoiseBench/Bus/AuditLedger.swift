/// What came of one numbered stream, and what is wrong with it.
struct AuditLedger: Equatable {
    /// Numbers that were passed over and have not come yet.
    struct Gap: Equatable {
        var first: UInt64
        /// The number after the last.
        var end: UInt64
    }

    /// Most gaps that are remembered; what lies in others stays lost even when it comes late.
    static let mostGaps = 8
    static let words = 6 + 2 * mostGaps

    /// The number that has to come next.
    private(set) var next: UInt64 = 0
    private(set) var count: UInt64 = 0
    /// Adds up a function of all numbers, for a comparison with what was sent.
    private(set) var checksum: UInt64 = 0
    private(set) var lost: UInt64 = 0
    private(set) var duplicated: UInt64 = 0
    private(set) var outOfOrder: UInt64 = 0
    private(set) var gaps: [Gap] = []

    init() {}

    /// The checksum of the numbers below `end`.
    static func checksum(below end: UInt64) -> UInt64 {
        var ledger = AuditLedger()
        for number in 0..<end { ledger.take(number) }
        return ledger.checksum
    }

    /// Enters a message.
    @inline(__always)
    mutating func take(_ number: UInt64) {
        count &+= 1
        checksum = checksum &+ ((number &+ 1) ^ (number &<< 17)) &* 0x9E37_79B9_7F4A_7C15
        if number == next {
            next &+= 1
        } else {
            stumble(number)
        }
    }

    private mutating func stumble(_ number: UInt64) {
        if number > next {
            lost &+= number &- next
            if gaps.count < AuditLedger.mostGaps { gaps.append(Gap(first: next, end: number)) }
            next = number &+ 1
            return
        }
        guard let index = gaps.firstIndex(where: { $0.first <= number && number < $0.end }) else {
            duplicated &+= 1
            return
        }
        // It was missed and comes late.
        outOfOrder &+= 1
        lost &-= 1
        let gap = gaps.remove(at: index)
        if gap.first < number { gaps.append(Gap(first: gap.first, end: number)) }
        if number &+ 1 < gap.end, gaps.count < AuditLedger.mostGaps {
            gaps.append(Gap(first: number &+ 1, end: gap.end))
        }
    }

    /// Writes it into `words` words.
    func store(_ bytes: UnsafeMutableRawBufferPointer) {
        let fixed = [next, count, checksum, lost, duplicated, outOfOrder]
        for (index, word) in fixed.enumerated() {
            bytes.storeBytes(of: word, toByteOffset: 8 * index, as: UInt64.self)
        }
        for index in 0..<AuditLedger.mostGaps {
            let gap = index < gaps.count ? gaps[index] : Gap(first: 0, end: 0)
            let offset = 48 + 16 * index
            bytes.storeBytes(of: gap.first, toByteOffset: offset, as: UInt64.self)
            bytes.storeBytes(of: gap.end, toByteOffset: offset + 8, as: UInt64.self)
        }
    }

    /// Reads what `store` wrote.
    init(_ bytes: UnsafeRawBufferPointer) {
        let word = { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
        (next, count, checksum) = (word(0), word(1), word(2))
        (lost, duplicated, outOfOrder) = (word(3), word(4), word(5))
        for index in 0..<AuditLedger.mostGaps {
            let gap = Gap(first: word(6 + 2 * index), end: word(7 + 2 * index))
            if gap.first < gap.end { gaps.append(gap) }
        }
    }
}

/// The ledgers of a link's lanes, as they are kept in the link.
struct AuditState: Equatable {
    var lanes: [AuditLedger]
    /// Messages of which some byte was not what it has to be.
    var damaged: UInt64 = 0

    static let laneBytes = 8 * AuditLedger.words
    static let bytes = 8 + 4 * laneBytes

    init() { lanes = Array(repeating: AuditLedger(), count: 4) }

    /// An empty state is that of a link on which nothing was ever committed.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init()
        guard bytes.count == AuditState.bytes else { return }
        damaged = bytes.loadUnaligned(as: UInt64.self)
        for lane in 0..<4 {
            let start = 8 + lane * AuditState.laneBytes
            lanes[lane] = AuditLedger(
                UnsafeRawBufferPointer(rebasing: bytes[start..<start + AuditState.laneBytes]))
        }
    }

    func store(_ bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBytes(of: damaged, as: UInt64.self)
        for lane in 0..<4 {
            let start = 8 + lane * AuditState.laneBytes
            lanes[lane].store(
                UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + AuditState.laneBytes])
            )
        }
    }

    /// Enters a message of a lane.
    @inline(__always)
    mutating func take(_ stream: AuditStream, _ payload: UnsafeRawBufferPointer) {
        guard let number = stream.number(in: payload) else {
            damaged += 1
            return
        }
        lanes[stream.lane].take(number)
    }
}

/// What a cell or a tail word says, in 64 bits: position 41, length 15, owner 6, state 2.
///
/// Positions count granules and begin again after 2⁴¹ of them (140 TB through one lane); they are
/// compared by their distance. The position in a cell tells laps apart: what an earlier lap left
/// has an earlier one.
struct Claim: Equatable {
    enum State: UInt64 {
        /// Nothing was ever claimed here. Also the state of all tail words.
        case none = 0
        /// Somebody fills it.
        case claimed = 1
        /// It is a whole message.
        case committed = 2
        /// Nobody will ever fill it.
        case abandoned = 3
    }

    let bits: UInt64

    static let positionMask: UInt64 = 1 << 41 - 1
    static let mostLength: UInt64 = 1 << 15 - 1

    @inline(__always)
    init(bits: UInt64) { self.bits = bits }

    @inline(__always)
    init(position: UInt64, length: UInt64, owner: UInt64, state: State) {
        bits =
            (position & Claim.positionMask) << 23 | (length & Claim.mostLength) << 8
            | (owner & 63) << 2 | state.rawValue
    }

    @inline(__always) var position: UInt64 { bits >> 23 }
    @inline(__always) var length: UInt64 { bits >> 8 & Claim.mostLength }
    @inline(__always) var owner: UInt64 { bits >> 2 & 63 }
    @inline(__always) var isClaimed: Bool { bits & 3 == State.claimed.rawValue }
    @inline(__always) var isCommitted: Bool { bits & 3 == State.committed.rawValue }
    @inline(__always) var isAbandoned: Bool { bits & 3 == State.abandoned.rawValue }
    @inline(__always) var isEmpty: Bool { bits & 3 == State.none.rawValue }

    /// Whether this cell speaks of a claim at `position`, not of one in another lap.
    @inline(__always)
    func isAt(_ position: UInt64) -> Bool {
        !isEmpty && self.position == position & Claim.positionMask
    }

    /// How many granules one comes after the other.
    @inline(__always)
    static func distance(from first: UInt64, to second: UInt64) -> UInt64 {
        (second &- first) & positionMask
    }

    /// A distance beyond this one is a step back.
    static let halfWay: UInt64 = 1 << 40
}

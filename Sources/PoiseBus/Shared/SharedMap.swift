import Synchronization

/// The words, cells and granules of a shared ring's data file, where it is mapped.
struct SharedMap {
    let base: UnsafeMutableRawPointer
    let layout: SharedLayout
    /// Granules of a lane less one.
    let mask: UInt64

    init(_ base: UnsafeMutableRawPointer, _ layout: SharedLayout) {
        self.base = base
        self.layout = layout
        mask = UInt64(layout.count - 1)
    }

    @inline(__always)
    func word(_ offset: Int) -> SharedWord {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    @inline(__always)
    func tail(_ lane: Int) -> SharedWord {
        word(SharedLayout.tails + lane * SharedLayout.tailStride)
    }

    @inline(__always)
    func cell(_ lane: Int, _ position: UInt64) -> SharedWord {
        word(SharedLayout.cells + (lane * layout.count + Int(position & mask)) * 8)
    }

    @inline(__always)
    func granule(_ lane: Int, _ position: UInt64) -> UnsafeMutableRawPointer {
        base + layout.granules + lane * layout.ringBytes
            + Int(position & mask) * SharedLayout.granuleBytes
    }

    /// What a producer is about to commit in a lane (`SharedRing.Intent`).
    @inline(__always)
    func intent(_ owner: Int, _ lane: Int) -> SharedWord {
        word(SharedLayout.slots + owner * 64 + lane * 16)
    }

    /// How many messages of a lane a producer has committed, once its intent is resolved.
    @inline(__always)
    func committed(_ owner: Int, _ lane: Int) -> SharedWord {
        word(SharedLayout.slots + owner * 64 + lane * 16 + 8)
    }

    func waitWord(_ offset: Int) -> WaitWord { LinkWords.waitWord(base, offset) }

    /// Makes sure that the newest claim of a lane stands in its cell, so that its length is known
    /// when the tail word forgets it. Does nothing when its owner or somebody else has done it.
    ///
    /// The exchange can succeed only while `tail` is still the tail word: as long as the cell holds
    /// what an earlier lap left, nobody has come past it, and a value once replaced never returns.
    func help(_ lane: Int, _ tail: Claim) {
        guard tail.length > 0 else { return }
        let position = (tail.position &- tail.length) & Claim.positionMask
        let cell = cell(lane, position)
        let old = Claim(bits: cell.pointee.load(ordering: .acquiring))
        if old.isAt(position) { return }
        // A later lap is there: the tail was read long ago, and its exchange will fail.
        if !old.isEmpty, Claim.distance(from: position, to: old.position) < Claim.halfWay { return }
        let claim = Claim(
            position: position, length: tail.length, owner: tail.owner, state: .claimed)
        _ = cell.pointee.compareExchange(
            expected: old.bits, desired: claim.bits, ordering: .acquiringAndReleasing)
    }

    /// Says what has become of a claim. False when somebody has abandoned it before.
    func finish(_ lane: Int, _ done: Claim) -> Bool {
        let cell = cell(lane, done.position)
        var old = Claim(bits: cell.pointee.load(ordering: .relaxed))
        // Once more at most for each of: an earlier lap's value, claimed by who helped, abandoned.
        for _ in 0..<4 {
            if old.isAt(done.position), !old.isClaimed { return false }
            let (isDone, seen) = cell.pointee.compareExchange(
                expected: old.bits, desired: done.bits, ordering: .sequentiallyConsistent)
            if isDone { return true }
            old = Claim(bits: seen)
        }
        return false
    }
}

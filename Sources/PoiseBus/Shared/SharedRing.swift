import CLinux
import Synchronization

/// One ring for each lane that up to 64 producers (threads, processes) fill and one consumer
/// empties.
///
/// A producer *claims* granules by one exchange of the lane's tail word, which holds where the
/// claims end and the length and owner of the newest one. Before that it makes sure that the newest
/// claim stands in its cell (`SharedMap.help`). So at any time each claim's length and owner are
/// known, from its cell or from the tail word, wherever its producer died: a hole can always be
/// skipped, and no producer ever waits for another. Then it writes its message and *commits* it by
/// one exchange of its cell. The consumer takes cells in order; it waits at one that is claimed and
/// skips abandoned ones.
///
/// Not there: `dropOldest`. No producer may overwrite what another may be writing, and none may
/// move the consumer's head.
package enum SharedRing {
    /// What a producer is about to commit: bit 63, the lowest 22 bits of the message's sequence
    /// number, its position. It tells after a crash whether the message was committed.
    struct Intent: Equatable {
        let bits: UInt64

        static let none = Intent(bits: 0)
        static let sequenceMask: UInt64 = 1 << 22 - 1

        init(bits: UInt64) { self.bits = bits }
        init(sequence: UInt64, position: UInt64) {
            bits =
                1 << 63 | (sequence & Intent.sequenceMask) << 41 | position & Claim.positionMask
        }

        var position: UInt64 { bits & Claim.positionMask }
        /// Whether it speaks of the message of this number.
        func isOf(_ sequence: UInt64) -> Bool {
            bits >> 63 == 1 && bits >> 41 & Intent.sequenceMask == sequence & Intent.sequenceMask
        }
    }

    /// Gives up what a producer that is no more has claimed and not committed, and wakes the
    /// consumer, which may wait for it. Anybody who maps the data file writable may do it, once
    /// nobody with this index runs any more; doing it twice does no harm.
    package static func abandon(
        owner: Int, in data: borrowing BusMemory, layout: SharedLayout
    ) {
        abandon(owner: owner, in: SharedMap(data.base, layout))
    }

    static func abandon(owner: Int, in map: SharedMap) {
        for lane in 0..<LinkLayout.lanes {
            map.help(lane, Claim(bits: map.tail(lane).pointee.load(ordering: .acquiring)))
            resolve(owner, lane, in: map)
            for index in 0..<UInt64(map.layout.count) {
                let cell = map.cell(lane, index)
                let claim = Claim(bits: cell.pointee.load(ordering: .acquiring))
                guard claim.isClaimed, claim.owner == UInt64(owner) else { continue }
                let gone = Claim(
                    position: claim.position, length: claim.length, owner: claim.owner,
                    state: .abandoned)
                _ = cell.pointee.compareExchange(
                    expected: claim.bits, desired: gone.bits, ordering: .sequentiallyConsistent)
            }
        }
        let bell = map.waitWord(SharedLayout.bell)
        bell.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        _ = poise_bus_wake(UnsafeRawPointer(bell).assumingMemoryBound(to: UInt32.self))
    }

    /// Counts the last message of a producer that died between its commit and its count.
    ///
    /// Before its cells are abandoned: until then a cell of it that is claimed stays so, and one of
    /// a later lap says that the message was committed and taken.
    private static func resolve(_ owner: Int, _ lane: Int, in map: SharedMap) {
        let committed = map.committed(owner, lane).pointee.load(ordering: .acquiring)
        let word = map.intent(owner, lane)
        let intent = Intent(bits: word.pointee.load(ordering: .acquiring))
        guard intent.isOf(committed) else { return }
        let cell = Claim(bits: map.cell(lane, intent.position).pointee.load(ordering: .acquiring))
        let isCommitted = cell.isAt(intent.position) ? cell.isCommitted : true
        if isCommitted {
            _ = map.committed(owner, lane).pointee.compareExchange(
                expected: committed, desired: committed &+ 1, ordering: .acquiringAndReleasing)
        } else {
            _ = word.pointee.compareExchange(
                expected: intent.bits, desired: Intent.none.bits, ordering: .acquiringAndReleasing)
        }
    }
}

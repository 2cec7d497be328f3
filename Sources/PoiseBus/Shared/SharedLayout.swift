import PoiseModel

/// Where what lies in the two files of a ring that many producers share.
///
/// The *data file* is mapped writable by all producers, who trust each other: each could write over
/// what another has put there. The consumer maps it for reading only and trusts none of it. It has
/// a page of words, a page with a line for each producer, then for each lane an array of *cells*
/// and the *granules* of 64 bytes in which messages lie. Each granule has one cell, so that nothing
/// that a message holds ever lies where a cell is expected.
///
/// The *consumer's file* is that of any link (`LinkWords`): heads, wait words, two records of what
/// was done.
package struct SharedLayout: Sendable, Hashable {
    package static let mostProducers = BusRoute.mostWriters
    package static let granuleBytes = 64

    /// One lane's ring, in bytes: a power of two.
    package let ringBytes: Int

    package init(ringBytes: Int) {
        self.ringBytes = LinkLayout(ringBytes: ringBytes).ringBytes
    }

    package var dataFileBytes: Int { granules + LinkLayout.lanes * ringBytes }
    package var consumerFileBytes: Int { 2 * LinkLayout.pageBytes }
    /// Longest payload that goes into this ring.
    package var longestPayload: Int { LinkLayout(ringBytes: ringBytes).longestPayload }

    /// Granules of one lane; as many cells.
    var count: Int { ringBytes / SharedLayout.granuleBytes }

    /// Offsets in the data file. What producers count lies where `LinkWords` has it (384 to 640),
    /// without `sent`. Of each lane: how far claims go (`Claim`), two lines apart.
    static let tails = 1024
    static let tailStride = 128
    /// Counts up when a producer goes to sleep for want of room.
    static let roomWanted = 256
    /// Counts up to wake the consumer; it sleeps on it.
    static let bell = 320
    /// The consumer's sleep that was last ended by the bell.
    static let rung = 324
    /// Of each producer 64 bytes: four pairs (one a lane) of what it is about to commit and how
    /// many it has committed.
    static let slots = 4096
    static let cells = 8192
    var granules: Int {
        let bytes = SharedLayout.cells + LinkLayout.lanes * count * 8
        return (bytes + LinkLayout.pageBytes - 1) & ~(LinkLayout.pageBytes - 1)
    }
}

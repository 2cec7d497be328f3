/// Where what lies in the two files of a link between one producer and one consumer.
///
/// The producer's file (only the producer may write it): one page of its words, then a ring for
/// each of the four lanes. The consumer's file (only the consumer may write it): its words, and two
/// records of what it has done.
package struct LinkLayout: Sendable, Hashable {
    package static let lanes = 4
    /// Smallest and largest ring of a lane, in bytes.
    package static let ringRange = (4 << 10)...(64 << 20)
    /// Longest payload in a ring, however large it is; longer ones go through an arena.
    package static let longestInRing = 1 << 20

    /// One lane's ring, in bytes: a power of two.
    package let ringBytes: Int

    package init(ringBytes: Int) {
        precondition(
            LinkLayout.ringRange ~= ringBytes && ringBytes & (ringBytes - 1) == 0,
            "a ring has a power of two of bytes")
        self.ringBytes = ringBytes
    }

    /// A whole number of huge pages when there is at least one.
    package var producerFileBytes: Int {
        let bytes = LinkLayout.pageBytes + LinkLayout.lanes * ringBytes
        let hugePage = 2 << 20
        return bytes < hugePage ? bytes : (bytes + hugePage - 1) / hugePage * hugePage
    }
    package var consumerFileBytes: Int { 2 * LinkLayout.pageBytes }
    /// Longest payload that goes into this ring: a quarter of it without what goes with it.
    package var longestPayload: Int { min(ringBytes / 4 - 80, LinkLayout.longestInRing) }

    static let pageBytes = 4096
}

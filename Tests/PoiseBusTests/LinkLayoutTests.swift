import PoiseBus
import Testing

/// Where what lies in the files of a link.
@Suite struct LinkLayoutTests {
    @Test(arguments: [4 << 10, 256 << 10, 64 << 20])
    func `four of the longest messages fit one ring`(ringBytes: Int) {
        let layout = LinkLayout(ringBytes: ringBytes)
        #expect(layout.longestPayload > 0)
        #expect(layout.longestPayload <= LinkLayout.longestInRing)
        // Header, stamp and context are 80 bytes.
        #expect(4 * (layout.longestPayload + 80) <= ringBytes)
        #expect(layout.producerFileBytes >= LinkLayout.lanes * ringBytes)
    }
}

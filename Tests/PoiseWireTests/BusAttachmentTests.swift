import PoiseModel
import PoiseWire
import Testing

/// What a host is told of its end of a link.
@Suite struct BusAttachmentTests {
    private func end(_ role: BusAttachment.Role, index: Int?) throws -> BusAttachment {
        let peer = try #require(FeatureID("b"))
        let writers = role == .producer ? [] : [BusAttachment.Writer(index: 63, feature: peer)]
        return BusAttachment(
            link: "r:*>b", incarnation: 2, role: role, route: "r", peer: peer, ringBytes: 4096,
            full: .dropNewest, wait: .spin, producerIndex: index, isShared: true, writers: writers)
    }

    @Test func `ends of shared rings are read as they were written`() throws {
        for end in [try end(.producer, index: 63), try end(.consumer, index: nil)] {
            #expect(try BusAttachment(json: end.json) == end)
        }
    }

    @Test func `a writer of a shared ring has a number that a ring can tell apart`() throws {
        for index in [nil, 64, -1] {
            let end = try end(.producer, index: index)
            #expect(throws: WireError.self) { try BusAttachment(json: end.json) }
        }
        var reader = try end(.consumer, index: nil)
        reader.writers[0].index = 64
        #expect(throws: WireError.self) { try BusAttachment(json: reader.json) }
    }
}

import Synchronization

/// What lies in a ring in place of a payload that is too long for it: where in the producer's
/// arena it is, and how long.
package struct ArenaReference: Sendable, Equatable {
    package static let bytes = 16

    package var offset: Int
    package var length: Int

    package init(offset: Int, length: Int) {
        self.offset = offset
        self.length = length
    }

    package func write(to room: UnsafeMutableRawBufferPointer) {
        room.storeBytes(of: UInt64(offset), as: UInt64.self)
        room.storeBytes(of: UInt64(length), toByteOffset: 8, as: UInt64.self)
    }
}

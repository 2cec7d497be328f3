import Glibc
import PoiseBus

/// The two files of a shared ring in one piece of memory that all threads of a test see at the same
/// place, so that ThreadSanitizer sees what they do.
final class TestShared: Sendable {
    let layout: SharedLayout
    private let address: UInt
    private let bytes: Int

    init(ringBytes: Int = 4096) {
        layout = SharedLayout(ringBytes: ringBytes)
        bytes = layout.dataFileBytes + layout.consumerFileBytes
        let flags = MAP_SHARED | MAP_ANONYMOUS
        address = UInt(bitPattern: mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0))
        precondition(address != UInt.max, "no memory")
    }

    deinit { munmap(UnsafeMutableRawPointer(bitPattern: address), bytes) }

    var data: UnsafeMutableRawPointer {
        guard let start = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("no memory")
        }
        return start
    }
    var consumer: UnsafeMutableRawPointer { data + layout.dataFileBytes }

    func writer(_ owner: Int) -> SharedRingWriter {
        SharedRingWriter(unowned: data, consumer: consumer, layout: layout, owner: owner)
    }

    func reader() throws -> SharedRingReader {
        try SharedRingReader(unowned: data, consumer: consumer, layout: layout)
    }
}

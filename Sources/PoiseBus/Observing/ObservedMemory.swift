import Glibc
import PoiseModel
import Synchronization

/// The first bytes of a file of the bus, mapped for reading only.
final class ObservedMemory {
    let base: UnsafeMutableRawPointer
    private let mapped: Int

    init(_ descriptor: Int32, bytes: Int) throws(BusError) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .system("fstat", Errno(errno)) }
        guard Int(facts.st_size) >= bytes else {
            throw .wrongSize(bytes: Int(facts.st_size), wanted: bytes)
        }
        // Of huge pages whole ones are mapped, and have to be unmapped.
        let page = max(LinkLayout.pageBytes, Int(facts.st_blksize))
        mapped = (bytes + page - 1) / page * page
        let start = mmap(nil, mapped, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw .system("mmap", Errno(errno)) }
        base = start
    }

    deinit { munmap(base, mapped) }

    func load(_ offset: Int, _ lane: Int = 0) -> UInt64 {
        LinkWords.word(base, offset, lane).pointee.load(ordering: .acquiring)
    }

    func loadSmall(_ offset: Int) -> UInt32 {
        LinkWords.waitWord(base, offset).pointee.load(ordering: .acquiring)
    }
}

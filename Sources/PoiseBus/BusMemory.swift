import CLinux
import Glibc
import PoiseModel

/// A file of anonymous memory (`memfd_create(2)`) that cannot shrink or grow any more, mapped into
/// this process.
package struct BusMemory: ~Copyable {
    package let base: UnsafeMutableRawPointer
    package let bytes: Int
    private let isOurs: Bool

    /// Makes one and gives its descriptor: sealed (`F_SEAL_SHRINK`, `F_SEAL_GROW`, `F_SEAL_SEAL`),
    /// of huge pages where `hugePages` and the machine has them, its memory on `node` where that
    /// has room (`mbind(2)`, `MPOL_PREFERRED`).
    package static func make(
        name: String, bytes: Int, hugePages: Bool = false, node: Int? = nil
    ) throws(BusError) -> Int32 {
        let descriptor = try BusMemory.file(name, bytes, hugePages)
        guard node != nil || hugePages else { return descriptor }
        let memory: BusMemory
        do {
            memory = try BusMemory(mapping: descriptor, bytes: bytes, writable: true)
        } catch {
            close(descriptor)
            throw error
        }
        // Both are wishes: a kernel without NUMA or huge pages gives the memory it has.
        if let node { _ = poise_bus_prefer_node(memory.base, UInt64(bytes), Int32(node)) }
        if hugePages { _ = poise_bus_advise_huge(memory.base, UInt64(bytes)) }
        return descriptor
    }

    private static let hugePageBytes = 2 << 20

    private static func file(_ name: String, _ bytes: Int, _ huge: Bool) throws(BusError) -> Int32 {
        if huge, bytes % hugePageBytes == 0 {
            let descriptor = poise_bus_memory(name, UInt64(bytes), 1)
            if descriptor >= 0 {
                // The pages are reserved when it is mapped; that fails when there are none.
                if probes(descriptor, bytes) { return descriptor }
                close(descriptor)
            }
        }
        let descriptor = poise_bus_memory(name, UInt64(bytes), 0)
        guard descriptor >= 0 else { throw .system("memfd_create", Errno(-descriptor)) }
        return descriptor
    }

    private static func probes(_ descriptor: Int32, _ bytes: Int) -> Bool {
        let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let start, start != MAP_FAILED else { return false }
        munmap(start, bytes)
        return true
    }

    /// A second descriptor of the same memory that can only be read.
    package static func readOnly(_ descriptor: Int32) throws(BusError) -> Int32 {
        let second = poise_bus_read_only(descriptor)
        guard second >= 0 else { throw .system("open", Errno(-second)) }
        return second
    }

    /// Maps all of a descriptor's memory; the descriptor may be closed after it. Refuses memory
    /// that could shrink under its reader, and such of another size.
    package init(mapping descriptor: Int32, bytes: Int, writable: Bool) throws(BusError) {
        guard poise_bus_is_sealed(descriptor) == 1 else {
            throw .system("fcntl(F_GET_SEALS)", .notPermitted)
        }
        let size = Int(lseek(descriptor, 0, Int32(SEEK_END)))
        guard size == bytes else { throw .wrongSize(bytes: size, wanted: bytes) }
        let protection = PROT_READ | (writable ? PROT_WRITE : 0)
        let start = mmap(nil, bytes, protection, MAP_SHARED, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw .system("mmap", Errno(errno)) }
        base = start
        self.bytes = bytes
        isOurs = true
    }

    /// Memory that somebody else keeps mapped for as long as this lives: two ends in one process
    /// that see it at one place, as ThreadSanitizer needs it.
    package init(unowned base: UnsafeMutableRawPointer, bytes: Int) {
        self.base = base
        self.bytes = bytes
        isOurs = false
    }

    deinit { if isOurs { munmap(base, bytes) } }
}

import CLinux
import Glibc
import PoiseModel

/// A file of anonymous memory (`memfd_create(2)`) that cannot shrink or grow any more, mapped into
/// this process.
package struct BusMemory: ~Copyable {
    package let base: UnsafeMutableRawPointer
    package let bytes: Int

    /// Makes one and gives its descriptor: sealed (`F_SEAL_SHRINK`, `F_SEAL_GROW`, `F_SEAL_SEAL`),
    /// of huge pages where `hugePages` and the machine has them, its memory bound to `node` where
    /// that is possible (`mbind(2)`, `MPOL_PREFERRED`).
    package static func make(
        name: String, bytes: Int, hugePages: Bool = false, node: Int? = nil
    ) throws(BusError) -> Int32 {
        preconditionFailure("not yet")
    }

    /// A second descriptor of the same memory that can only be read.
    package static func readOnly(_ descriptor: Int32) throws(BusError) -> Int32 {
        preconditionFailure("not yet")
    }

    /// Maps all of a descriptor's memory; the descriptor may be closed after it.
    package init(mapping descriptor: Int32, bytes: Int, writable: Bool) throws(BusError) {
        preconditionFailure("not yet")
    }

    deinit { munmap(base, bytes) }
}

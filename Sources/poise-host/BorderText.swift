import Glibc
import PoiseWire

/// Texts from the other side of the border.
enum BorderText {
    /// At most `longest` bytes of the text at `start`, repaired and tamed. `strnlen(3)`.
    static func read(_ start: UnsafePointer<CChar>, longest: Int) -> String {
        let count = strnlen(start, longest)
        return HostMessageText.tame(
            UnsafeRawBufferPointer(start: start, count: count), longest: longest)
    }
}

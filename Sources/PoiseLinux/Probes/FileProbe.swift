import Glibc
import PoiseModel

/// Whether something is at a path, as this process may see it (`access(2)`).
///
/// On a network file system whose server is silent the kernel would keep the caller waiting.
package enum FileProbe {
    package static func answer(_ path: String) -> ProbeAnswer {
        do throws(SystemError) {
            _ = try systemCall("access", on: path) { access(path, F_OK) }
            return .passed
        } catch {
            return .failed(NetworkProbe.words(error.errno))
        }
    }
}

import Glibc
import PoiseModel

/// Block devices as cgroups name them.
package enum BlockDevice {
    /// `MAJOR:MINOR` of the device at a path; nil when there is none (`stat(2)`).
    package static func number(of path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFBLK else { return nil }
        return number(UInt64(facts.st_rdev))
    }

    /// The two numbers in a `dev_t` (`makedev(3)`).
    static func number(_ device: UInt64) -> String {
        let major = (device >> 8 & 0xfff) | (device >> 32 & 0xffff_f000)
        let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00)
        return "\(major):\(minor)"
    }
}

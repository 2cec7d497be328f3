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

    /// `MAJOR:MINOR` of the whole disk that a file or folder lies on; nil where there is none
    /// (`/sys/dev/block`).
    package static func disk(of path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        let own = number(UInt64(facts.st_dev))
        let place = "/sys/dev/block/\(own)"
        guard access(place, F_OK) == 0 else { return nil }
        guard access(place + "/partition", F_OK) == 0 else { return own }
        return ProcessFiles.text(place + "/../dev").map { $0.filter { !$0.isNewline } }
    }

    /// The two numbers in a `dev_t` (`makedev(3)`).
    static func number(_ device: UInt64) -> String {
        let major = (device >> 8 & 0xfff) | (device >> 32 & 0xffff_f000)
        let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00)
        return "\(major):\(minor)"
    }
}

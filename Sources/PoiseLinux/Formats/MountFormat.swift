/// The text of `/proc/self/mountinfo`
/// (`35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw`).
package enum MountFormat {
    /// The kind of the file system that a device number (`st_dev`) stands for, such as `cgroup2`;
    /// nil when nothing that is mounted has it.
    package static func kind(ofDevice device: UInt64, in text: String) -> String? {
        // The C library's packing of the two numbers; see makedev(3).
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 3, words[2] == "\(major):\(minor)",
                let dash = words.firstIndex(of: "-"), words.count > dash + 1
            else { continue }
            return String(words[dash + 1])
        }
        return nil
    }
}

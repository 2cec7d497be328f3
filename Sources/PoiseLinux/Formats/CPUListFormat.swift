package import PoiseModel

/// The kernel's lists of CPUs (`/sys/devices/system/cpu/online`, `cpuset.cpus`).
package enum CPUListFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> CPUSet? { CPUSet(text) }

    /// The text that the kernel takes and gives, without a newline.
    package static func format(_ cpus: CPUSet) -> String { cpus.description }
}

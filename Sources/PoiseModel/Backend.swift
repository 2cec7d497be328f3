/// How the kernel is held to a plan.
package enum Backend: String, Sendable, CaseIterable {
    /// A delegated subtree of cgroup v2.
    case cgroup2
    /// CPU masks, scheduling class, nice value and resource limits; needs no delegation.
    case affinity
    /// Decide and record, touch nothing.
    case observe
}

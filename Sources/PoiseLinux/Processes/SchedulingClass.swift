import CLinux

/// How the kernel's fair scheduler treats a thread (`sched(7)`).
package enum SchedulingClass: String, Sendable, CaseIterable {
    /// Like any program (`SCHED_OTHER`).
    case other
    /// As one that computes: a little later, and longer at a time (`SCHED_BATCH`).
    case batch
    /// Only when nobody else wants the CPU (`SCHED_IDLE`).
    case idle

    /// The class of a feature with `priority` 0…100: 0 is idle, below 30 is batch.
    package static func forPriority(_ priority: Int) -> SchedulingClass {
        switch priority {
        case ...0: .idle
        case ..<30: .batch
        default: .other
        }
    }

    /// The kernel's number.
    var policy: Int32 {
        switch self {
        case .other: Int32(POISE_SCHED_OTHER)
        case .batch: Int32(POISE_SCHED_BATCH)
        case .idle: Int32(POISE_SCHED_IDLE)
        }
    }

    /// The class of the kernel's number; nil for real-time policies and those that came later.
    init?(policy: Int32) {
        guard let match = SchedulingClass.allCases.first(where: { $0.policy == policy }) else {
            return nil
        }
        self = match
    }

    /// Greater takes less: other, batch, idle.
    var modesty: Int {
        switch self {
        case .other: 0
        case .batch: 1
        case .idle: 2
        }
    }
}

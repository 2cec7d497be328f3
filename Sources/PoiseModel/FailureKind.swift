/// In which way a feature failed.
package enum FailureKind: String, Sendable, Codable, CaseIterable {
    /// It ended when it should not have: a signal, an exit code, `abort`.
    case crash
    /// It could not be created or started, and trying again may help (exit code 111).
    case startFailure
    /// It can never work as it is (exit code 100): wrong use, ABI or configuration.
    case configuration
    /// It did not answer, start or stop in time.
    case missedDeadline
    /// It says itself that it does not do its work, or a check of it failed.
    case failedHealthCheck
    /// The kernel killed it for want of memory, or it would not come back below its limit.
    case outOfMemory
    /// More of its answers fail than it promises (`slo.errorRate`).
    case errorRate
    /// Its answers take longer than it promises (`slo.latencyP99`).
    case latency
    /// It tried what it must not: a forbidden system call, leaving its cgroup, the control socket.
    case security
    /// Poise or the kernel could not do their part.
    case host

    /// Where the cause lies.
    package enum Origin: String, Sendable, Codable, CaseIterable {
        case security, environment, plugin, host
    }

    package var origin: Origin {
        switch self {
        case .crash, .configuration, .missedDeadline, .failedHealthCheck, .outOfMemory, .errorRate,
            .latency:
            .plugin
        case .startFailure: .environment
        case .security: .security
        case .host: .host
        }
    }

    /// Whether trying again is of no use.
    package var isPermanent: Bool { self == .configuration }

    /// As people are told it.
    package var words: String {
        switch self {
        case .crash: "crash"
        case .startFailure: "could not start"
        case .configuration: "wrong configuration"
        case .missedDeadline: "missed deadline"
        case .failedHealthCheck: "failed health check"
        case .outOfMemory: "out of memory"
        case .errorRate: "too many errors"
        case .latency: "too slow"
        case .security: "forbidden act"
        case .host: "host failure"
        }
    }
}

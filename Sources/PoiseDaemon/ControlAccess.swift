import PoiseLinux
import PoiseModel
import PoiseWire

/// Who may ask the daemon what.
struct ControlAccess {
    enum Level: Int, Comparable {
        case none, read, change

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    static let readers = "poise"
    static let admins = "poise-admin"

    /// Everybody may connect; what a caller may do is asked for each call.
    static let socketMode: UInt32 = 0o666

    /// The daemon's own user, who may always do everything, as root may.
    let ownUser: UInt32
    /// The numbers of the two groups, nil where this host has no such group.
    let readers: UInt32?
    let admins: UInt32?

    func level(user: UInt32, groups: [UInt32]) -> Level {
        if user == 0 || user == ownUser { return .change }
        if let admins, groups.contains(admins) { return .change }
        if let readers, groups.contains(readers) { return .read }
        return .none
    }

    /// What to tell somebody who may not.
    func refusal(of method: ControlMethod) -> String {
        let group = method.needs == .change ? ControlAccess.admins : ControlAccess.readers
        return "\(method.rawValue) is for root and the group \(group) "
            + "(sudo usermod -aG \(group) NAME, then log in again)"
    }
}

extension ControlMethod {
    /// What a caller must be allowed to do.
    var needs: ControlAccess.Level {
        switch self {
        case .status, .allocations, .explain, .snapshot, .events, .history, .plugins, .topology,
            .health, .rollouts, .busRoutes, .busCounters:
            .read
        case .featureStart, .featureStop, .featureRestart, .featureEnable, .featureDisable,
            .breaker, .level, .rollout, .rollback, .chaos, .policyApply, .run, .busTrace:
            .change
        }
    }
}

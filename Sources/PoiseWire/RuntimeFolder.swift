import Glibc

/// Where the daemon's socket and lock are, found in the same way by daemon and command line.
package enum RuntimeFolder {
    /// `--runtime-dir`, else `$POISE_RUNTIME_DIR`, else `/run/poise` for root and
    /// `$XDG_RUNTIME_DIR/poise` for others (`/tmp/poise-UID` where that is not set).
    package static func path(option: String?, environment: (String) -> String?) -> String {
        if let option { return option }
        if let path = environment("POISE_RUNTIME_DIR"), !path.isEmpty { return path }
        if getuid() == 0 { return machineWide }
        if let path = environment("XDG_RUNTIME_DIR"), !path.isEmpty { return path + "/poise" }
        return "/tmp/poise-\(getuid())"
    }

    /// Where a caller finds the daemon: as `path` says, or, where no daemon of this user's own
    /// listens, the one of the whole machine.
    package static func callersPath(
        option: String?, environment: (String) -> String?
    ) -> String {
        let own = path(option: option, environment: environment)
        let isNamed = option != nil || environment("POISE_RUNTIME_DIR")?.isEmpty == false
        if isNamed || access(socket(in: own), F_OK) == 0 { return own }
        return access(socket(in: machineWide), F_OK) == 0 ? machineWide : own
    }

    private static let machineWide = "/run/poise"

    /// A variable of this process's environment, or nil.
    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    package static func socket(in folder: String) -> String { folder + "/control.sock" }
}

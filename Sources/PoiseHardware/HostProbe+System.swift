import PoiseModel

// The service manager, accounts, security and other programs.
extension HostCapabilities {
    mutating func readSystemd(_ root: String) {
        guard hasSystemd == true else { return }
        var state = SystemdState(version: HostCapabilities.systemdVersion(root))
        state.isInstalled = HostCapabilities.unitFolders.contains {
            Files.exists("\(root)\($0)/poised.service")
        }
        let wanted = "\(root)/etc/systemd/system/multi-user.target.wants/poised.service"
        state.isEnabled = Files.target(ofLink: wanted) != nil || Files.exists(wanted)
        state.isRunning = cgroupMount.map { mount in
            ["poise.slice", "system.slice"].contains {
                Files.isFolder("\(root)\(mount)/\($0)/poised.service")
            }
        }
        systemd = state
    }

    private static let unitFolders = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system", "/lib/systemd/system",
    ]

    /// By the library that only systemd's own programs use: `libsystemd-shared-252.so`.
    private static func systemdVersion(_ root: String) -> Int? {
        let start = "libsystemd-shared-"
        let libraries = "\(root)/usr/lib"
        let places =
            ["\(root)/lib/systemd", "\(libraries)/systemd", "\(root)/usr/lib64/systemd"]
            + (Files.names(in: libraries) ?? []).filter { $0.contains("-linux-") }
            .map { "\(libraries)/\($0)/systemd" }
        for place in places {
            for name in Files.names(in: place) ?? [] where name.hasPrefix(start) {
                return Int(name.dropFirst(start.count).prefix { $0.isNumber })
            }
        }
        return nil
    }

    mutating func readAccounts(_ root: String) {
        guard let groups = HostCapabilities.names(inTable: "\(root)/etc/group"),
            let users = HostCapabilities.names(inTable: "\(root)/etc/passwd")
        else { return }
        let recipes = ["/etc", "/run", "/usr/local/lib", "/usr/lib"]
        accounts = AccountState(
            groups: groups, users: users,
            hasRecipe: recipes.contains { Files.exists("\(root)\($0)/sysusers.d/poise.conf") })
    }

    /// The first fields of a table whose fields end with colons (`passwd(5)`).
    private static func names(inTable path: String) -> Set<String>? {
        Files.text(path).map { text in
            Set(text.split(separator: "\n").map { String($0.prefix { $0 != ":" }) })
        }
    }

    mutating func readConfinement(_ root: String) {
        if let status = Files.text("\(root)/proc/self/status") {
            confinement.hasNoNewPrivileges = status.contains("NoNewPrivs:")
        }
        if Files.isFolder("\(root)/proc/sys/kernel") {
            let actions = Files.text("\(root)/proc/sys/kernel/seccomp/actions_avail") ?? ""
            confinement.hasSeccomp = actions.split(separator: " ").contains("errno")
        }
        confinement.modules = Files.text("\(root)/sys/kernel/security/lsm").map { text in
            text.split(separator: ",").map(String.init)
        }
        confinement.traceScope = Files.text("\(root)/proc/sys/kernel/yama/ptrace_scope")
            .flatMap { Int($0) }
    }

    mutating func readNeighbours(_ root: String) {
        guard let processes = Files.names(in: "\(root)/proc") else { return }
        let names = processes.filter { $0.first?.isNumber == true }
            .compactMap { Files.text("\(root)/proc/\($0)/comm") }
        neighbours = Set(names).intersection(HostCapabilities.knownNeighbours.keys).sorted()
    }
}

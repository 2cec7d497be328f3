import Glibc
package import PoiseModel
import PoiseWire

/// What `poised` was started with.
package struct DaemonOptions: Sendable, Equatable {
    package var policyPath: String?
    package var runtimeFolder: String
    package var stateFolder: String
    /// Nil chooses by what the host can do.
    package var backend: Backend?
    /// The cgroup below which features get theirs; nil takes the daemon's own.
    package var cgroup: String?
    package var pluginFolders: [String]
    /// Only gives back what a daemon that crashed had taken over.
    package var givesBack = false
    /// Whether `poise chaos` may do harm here.
    package var allowsChaos = false
    /// How long a feature may take until it says that it works.
    package var startWithin: Duration

    /// A command line that is not understood, or a request for help: what to print.
    package enum Stop: Error, Equatable {
        case wrongUse(String)
        case print(String)
    }

    package static let help = """
        poised: holds this machine to a policy

        usage: poised [--policy FILE] [--runtime-dir DIR] [--state-dir DIR]
                      [--backend auto|cgroup2|affinity|observe] [--cgroup PATH]
                      [--plugin-dir DIR]... [--start-within SECONDS] [--chaos]

          --policy FILE      who gets what (default: the installed default.yaml)
          --runtime-dir DIR  socket, lock and logs (default: $POISE_RUNTIME_DIR, else
                             /run/poise for root, $XDG_RUNTIME_DIR/poise for others)
          --state-dir DIR    what features keep (default: /var/lib/poise for root,
                             $XDG_STATE_HOME/poise or ~/.local/state/poise for others)
          --backend NAME     cgroup2 (control groups), affinity (CPU masks, nice values, limits),
                             observe (decide and record, touch nothing), or auto: cgroup2 where
                             a cgroup is delegated, else affinity (default: auto)
          --cgroup PATH      the delegated cgroup below which features get theirs
                             (default: the one that poised is in, if nobody else is in it)
          --plugin-dir DIR   look for plugins here first; may be given several times
          --start-within N   seconds a feature may take to start (default: 10)
          --chaos            let `poise chaos` do harm on purpose: for tests, not for machines
                             that somebody relies on
          --give-back        only give back to units of systemd what a poised that crashed had
                             set (poise-features.service does so when it stops)
          --help, --version

        Runs in the foreground and logs to standard error or the journal. SIGHUP reads the policy
        again (so does a change of the file), SIGTERM and SIGINT stop all features in order. As a
        service of systemd it takes its socket from poised.socket, and features outlive a crash.

        examples:
          poised --policy Policies/default.yaml
          poised --backend observe --runtime-dir /tmp/poise-try

        """

    /// Reads the command line (without the program's name).
    package init(
        _ arguments: [String], environment: (String) -> String?, isRoot: Bool
    ) throws(Stop) {
        var values: [String: [String]] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--help" || argument == "-h" { throw .print(DaemonOptions.help) }
            if argument == "--give-back" {
                givesBack = true
                continue
            }
            if argument == "--chaos" {
                allowsChaos = true
                continue
            }
            if argument == "--version" { throw .print("poised \(PoiseVersion.text)\n") }
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = parts.first, DaemonOptions.names.contains(name) else {
                throw .wrongUse("unknown argument \(argument)")
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty else {
                throw .wrongUse("\(name) needs a value")
            }
            values[name, default: []].append(value)
        }
        policyPath = values["--policy"]?.last
        runtimeFolder = RuntimeFolder.path(
            option: values["--runtime-dir"]?.last, environment: environment)
        stateFolder =
            values["--state-dir"]?.last
            ?? DaemonOptions.defaultState(environment: environment, isRoot: isRoot)
        // Hosts have another folder to work in.
        runtimeFolder = DaemonOptions.absolute(runtimeFolder)
        stateFolder = DaemonOptions.absolute(stateFolder)
        pluginFolders = values["--plugin-dir"] ?? []
        let seconds = values["--start-within"]?.last ?? "10"
        guard let within = Int(seconds), (1...3600).contains(within) else {
            throw .wrongUse("--start-within takes 1 to 3600 seconds, not \(seconds)")
        }
        startWithin = .seconds(within)
        backend = try DaemonOptions.backend(values["--backend"]?.last ?? "auto")
        cgroup = values["--cgroup"]?.last
        if let cgroup, !cgroup.hasPrefix("/") {
            throw .wrongUse("--cgroup takes a path from the root, not \(cgroup)")
        }
    }

    private static let names: Set<String> = [
        "--policy", "--runtime-dir", "--state-dir", "--backend", "--plugin-dir",
        "--start-within", "--cgroup",
    ]

    private static func backend(_ name: String) throws(Stop) -> Backend? {
        switch name {
        case "auto": return nil
        case "affinity": return .affinity
        case "observe": return .observe
        case "cgroup2": return .cgroup2
        default:
            throw .wrongUse(
                "unknown backend \(name); there are auto, cgroup2, affinity and observe")
        }
    }

    /// The same path from the root (`getcwd(3)`).
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }

    private static func defaultState(
        environment: (String) -> String?, isRoot: Bool
    ) -> String {
        if isRoot { return "/var/lib/poise" }
        if let state = environment("XDG_STATE_HOME"), !state.isEmpty { return state + "/poise" }
        return (environment("HOME") ?? "") + "/.local/state/poise"
    }
}

import PoiseModel

/// What the command line asks for.
enum HostArguments: Equatable {
    case serve(feature: FeatureID, plugin: String, channel: Int32, SandboxSettings)
    case check(path: String, config: String?, SandboxSettings)
    /// Load on purpose, which only `poised --chaos` asks for; help does not tell of it.
    case strain(Strain, milliseconds: Int)
    case help
    case wrong(String)

    static let usage = """
        usage: poise-host --feature NAME --plugin FILE.so --channel FD [SANDBOX]
               poise-host --check FILE.so [--config FILE.json] [SANDBOX]

        SANDBOX, what the plugin may do; paths are whole, and come as often as needed:
          --sandbox full|none  full: no capabilities, no foreign files and processes (the default)
          --write PATH         may be read and written, such as its state folder; always: /tmp
                               and $TMPDIR
          --read PATH          may be read; without any, everything may
          --hide PATH          may not even be read, whatever else is allowed
        """

    private static let single = [
        "--feature", "--plugin", "--channel", "--check", "--config", "--sandbox",
        "--strain", "--amount", "--milliseconds",
    ]
    private static let lists = ["--read", "--write", "--hide"]

    static func parse(_ words: [String]) -> HostArguments {
        var options: [String: String] = [:]
        var sandbox = SandboxSettings()
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" { return .help }
            guard lists.contains(word) || single.contains(word) else {
                return .wrong("\"\(word)\" is no option")
            }
            guard let value = rest.popFirst() else { return .wrong("\(word) lacks its value") }
            if lists.contains(word) {
                guard value.hasPrefix("/") else {
                    return .wrong("\(word) wants a whole path, not \"\(value)\"")
                }
                sandbox.add(value, to: word)
            } else if options.updateValue(value, forKey: word) != nil {
                return .wrong("\(word) comes twice")
            }
        }
        switch options.removeValue(forKey: "--sandbox") ?? "full" {
        case "full": sandbox.isFull = true
        case "none": sandbox.isFull = false
        case let other: return .wrong("\"\(other)\" is no sandbox: full or none")
        }
        return command(options, sandbox)
    }

    private static func command(
        _ options: [String: String], _ sandbox: SandboxSettings
    ) -> HostArguments {
        let names = Set(options.keys)
        if let path = options["--check"], names.isSubset(of: ["--check", "--config"]) {
            return .check(path: path, config: options["--config"], sandbox)
        }
        if names == ["--strain", "--amount", "--milliseconds"] {
            guard
                let strain = Strain(
                    kind: options["--strain"] ?? "", amount: options["--amount"] ?? ""),
                let time = Int(options["--milliseconds"] ?? ""), (1...600_000).contains(time)
            else { return .wrong("there is no such strain") }
            return .strain(strain, milliseconds: time)
        }
        guard names == ["--feature", "--plugin", "--channel"], let plugin = options["--plugin"],
            let name = options["--feature"], let descriptor = options["--channel"]
        else { return .wrong("these options do not go together") }
        guard let feature = FeatureID(name) else {
            return .wrong("\"\(name)\" is no feature's name")
        }
        guard let channel = Int32(descriptor), channel >= 0 else {
            return .wrong("\"\(descriptor)\" is no descriptor")
        }
        return .serve(feature: feature, plugin: plugin, channel: channel, sandbox)
    }
}

extension SandboxSettings {
    fileprivate mutating func add(_ path: String, to list: String) {
        switch list {
        case "--read": readable.append(path)
        case "--write": writable.append(path)
        default: hidden.append(path)
        }
    }
}

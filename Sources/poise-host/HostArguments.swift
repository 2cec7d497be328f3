import PoiseModel

/// What the command line asks for.
enum HostArguments: Equatable {
    case serve(feature: FeatureID, plugin: String, channel: Int32)
    case check(path: String, config: String?)
    case help
    case wrong(String)

    static let usage = """
        usage: poise-host --feature NAME --plugin FILE.so --channel FD
               poise-host --check FILE.so [--config FILE.json]
        """

    static func parse(_ words: [String]) -> HostArguments {
        var options: [String: String] = [:]
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" { return .help }
            guard ["--feature", "--plugin", "--channel", "--check", "--config"].contains(word)
            else { return .wrong("\"\(word)\" is no option") }
            guard let value = rest.popFirst() else { return .wrong("\(word) lacks its value") }
            guard options.updateValue(value, forKey: word) == nil else {
                return .wrong("\(word) comes twice")
            }
        }
        let names = Set(options.keys)
        if let path = options["--check"], names.isSubset(of: ["--check", "--config"]) {
            return .check(path: path, config: options["--config"])
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
        return .serve(feature: feature, plugin: plugin, channel: channel)
    }
}

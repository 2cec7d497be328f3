package import PoiseModel

// Injections on the control socket.
extension ChaosInjection {
    /// The parameters of `io.poise.Chaos` that inject this.
    package var json: JSON {
        [
            "command": "inject", "fault": .string(fault.rawValue), "feature": JSON(feature?.name),
            "forMilliseconds": .integer(duration.wholeMilliseconds), "threads": .integer(threads),
            "memoryBytes": .integer(memoryBytes),
            "delayMilliseconds": .integer(delay.wholeMilliseconds), "writes": .integer(writes),
            "jumpSeconds": .integer(jump.wholeSeconds),
        ]
    }

    /// What a caller wants injected, checked; what is left out is as usual.
    package init(json: JSON) throws(WireError) {
        let known = ChaosFault.allCases.map(\.rawValue)
        let word = json["fault"]?.string ?? ""
        guard let fault = ChaosFault(rawValue: word) else {
            let hint = Nearest.hint(for: word, among: known)
            throw WireError("fault", "there is no fault '\(word.prefix(64))'\(hint)")
        }
        self.init(fault)
        if let name = json["feature"], name != .null {
            guard let id = name.string.flatMap({ FeatureID($0) }) else {
                throw WireError("feature", "is no feature's name")
            }
            feature = id
        }
        if let given = try ChaosInjection.number(json, "forMilliseconds") {
            duration = .milliseconds(given)
        }
        threads = try ChaosInjection.number(json, "threads") ?? threads
        memoryBytes = try ChaosInjection.number(json, "memoryBytes") ?? memoryBytes
        if let given = try ChaosInjection.number(json, "delayMilliseconds") {
            delay = .milliseconds(given)
        }
        writes = try ChaosInjection.number(json, "writes") ?? writes
        if let given = try ChaosInjection.number(json, "jumpSeconds") { jump = .seconds(given) }
        if let problem { throw WireError(problem.parameter.rawValue, problem.text) }
    }

    private static func number(_ json: JSON, _ key: String) throws(WireError) -> Int? {
        guard let value = json[key], value != .null else { return nil }
        guard let number = value.integer, (-(1 << 50)...1 << 50).contains(number) else {
            throw WireError(key, "is no whole number")
        }
        return number
    }
}

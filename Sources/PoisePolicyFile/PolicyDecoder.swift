import PoiseModel

/// Turns the tree of a policy file into a `Policy`, gathering every mistake on the way.
///
/// What is wrong is told and then taken as if it had been left out, so that one mistake neither
/// hides nor causes another. The functions give values all the same; whether the policy may be used
/// is for whoever reads `mistakes`.
struct PolicyDecoder {
    var mistakes: MistakeList
    var featureDependencies: [FeatureDependency] = []
    /// The features that are written, whether they could be read or not; empty while unknown.
    var featureNames: Set<String> = []

    mutating func policy(_ root: YAMLNode) -> Policy? {
        let whole = Field(path: "", key: "", keyMark: root.mark, value: root)
        let known = [
            "version", "name", "reserve", "features", "rebalance", "levels", "supervision", "bus",
        ]
        guard let fields = fields(of: whole, known: known) else { return nil }
        version(fields)
        var policy = Policy(
            name: name(fields), reserve: reserve(fields), features: features(fields),
            rebalance: rebalance(fields["rebalance"]), levels: levels(fields["levels"]))
        policy.supervision = supervision(fields["supervision"])
        policy.bus = bus(fields["bus"], among: policy.features)
        return policy
    }

    private mutating func version(_ fields: Fields) {
        if fields.lacks("version") {
            mistakes.error(fields.owner.mark, "the key 'version' is missing (write 'version: 1')")
        }
        guard let field = fields["version"], field.value.scalar?.value != .integer(1) else {
            return
        }
        mistakes.error(field.mark, "version must be 1, not \(field.value.kind)")
    }

    private mutating func name(_ fields: Fields) -> String {
        if fields.lacks("name") {
            mistakes.error(fields.owner.mark, "the key 'name' is missing (name the policy)")
        }
        guard let field = fields["name"], let name = text(field) else { return "" }
        if name.unicodeScalars.count > 64 {
            mistakes.error(field.mark, "name is longer than 64 characters")
        }
        return name
    }

    private mutating func reserve(_ whole: Fields) -> Reserve {
        let fields = fields(of: whole["reserve"], known: ["cores", "memory", "class"])
        let cores = fields?["cores"]
        let reserve = Reserve(
            millicores: amount(cores, .cores) ?? 0,
            memoryBytes: amount(fields?["memory"], .memory) ?? 0,
            coreClass: choice(fields?["class"]))
        let isLeftOut = fields?.lacks("cores") ?? whole.lacks("reserve")
        let isZero = cores.map { $0.value.scalar.map(Self.spellsZero) ?? false } ?? isLeftOut
        if isZero {
            mistakes.warning(
                (cores ?? whole["reserve"] ?? whole.owner).mark,
                "no cores are reserved: the operating system has no time of its own "
                    + "(reserve a fraction of a core at least, such as 'reserve: { cores: 0.2 }')")
        }
        return reserve
    }

    private static func spellsZero(_ scalar: YAMLScalar) -> Bool {
        do throws(Quantity.Mistake) {
            return try Quantity.cores.amount(scalar.text) == 0
        } catch {
            return false
        }
    }

    private mutating func features(_ whole: Fields) -> [FeaturePolicy] {
        if whole.lacks("features") {
            mistakes.error(whole.owner.mark, "the key 'features' is missing (name at least one)")
        }
        guard let field = whole["features"], let members = members(of: field, noun: "feature")
        else { return [] }
        if members.isEmpty, !field.value.isCut {
            mistakes.error(field.mark, "features is empty (name at least one)")
        }
        guard members.count <= PolicyLimit.features else {
            mistakes.error(
                field.mark, "\(members.count) features are too many (at most 1024)")
            return []
        }
        var features: [FeaturePolicy] = []
        for member in members {
            if let feature = feature(member) { features.append(feature) }
        }
        settleDependencies(among: members.map(\.key))
        if !field.value.isCut { featureNames = Set(members.map(\.key)) }
        return features
    }

    private mutating func rebalance(_ field: Field?) -> Rebalance {
        var rebalance = Rebalance()
        let known = ["every", "deadband", "growAtOnce", "shrinkAfter", "forecast"]
        guard let fields = fields(of: field, known: known) else { return rebalance }
        if let every = duration(fields["every"], atLeast: .milliseconds(10)) {
            rebalance.every = every
        }
        if let percent = amount(fields["deadband"], .percent) {
            rebalance.deadbandPercent = percent
        }
        if let growAtOnce = bool(fields["growAtOnce"]) { rebalance.growAtOnce = growAtOnce }
        if let shrinkAfter = duration(fields["shrinkAfter"], atLeast: .zero) {
            rebalance.shrinkAfter = shrinkAfter
        }
        rebalance.forecast = forecast(fields["forecast"])
        return rebalance
    }

    /// `false`, or a season and its step.
    private mutating func forecast(_ field: Field?) -> ForecastSetting? {
        var setting = ForecastSetting()
        guard let field else { return setting }
        if case .bool(let isOn) = field.value.scalar?.value { return isOn ? setting : nil }
        guard let fields = fields(of: field, known: ["season", "step"]) else { return setting }
        if let step = duration(fields["step"], atLeast: .seconds(1)) { setting.step = step }
        if let season = duration(fields["season"], atLeast: .seconds(2)) { setting.season = season }
        let steps = setting.season.wholeSeconds / setting.step.wholeSeconds
        if setting.season != setting.step * steps
            || setting.step != .seconds(setting.step.wholeSeconds)
        {
            mistakes.error(
                field.mark,
                "\(field.path) is no whole number of steps of whole seconds (such as season 24h, "
                    + "step 5m)")
        } else if !(2...PolicyLimit.forecastSteps).contains(steps) {
            mistakes.error(
                field.mark,
                "\(field.path) cuts a season into \(steps) steps (2 to "
                    + "\(PolicyLimit.forecastSteps) are taken)")
        }
        return setting
    }
}

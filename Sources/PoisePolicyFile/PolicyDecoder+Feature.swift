import PoiseModel

extension PolicyDecoder {
    private static let featureKeys = [
        "plugin", "command", "unit", "priority", "level", "cores", "memory", "gpu", "npu", "io",
        "pids", "hugetlb", "ifUnmet", "lend", "borrow", "restart", "restartBudget", "breaker",
        "slo", "health", "sandbox", "files", "config", "enabled",
    ]

    /// One feature; nil when its name or what it runs is wrong.
    mutating func feature(_ field: Field) -> FeaturePolicy? {
        let errorsBefore = mistakes.errorCount
        let id = FeatureID(field.key)
        if id == nil {
            mistakes.error(
                field.keyMark,
                "\(quoted(field.key)) cannot name a feature (1 to 64 of a-z A-Z 0-9 - _ ., "
                    + "beginning with a letter or digit)")
        }
        let files = ["cgroup.", "cpu.", "cpuset.", "memory.", "io.", "pids.", "hugetlb.", "misc."]
        if files.contains(where: field.key.hasPrefix) {
            mistakes.error(
                field.keyMark,
                "\(quoted(field.key)) cannot name a feature: its cgroup has files of such names")
        }
        guard let fields = fields(of: field, known: Self.featureKeys) else { return nil }
        let source = source(fields)
        // A source is needed to go on; the name of a wrong one is of no consequence.
        guard let name = id ?? FeatureID("unnamed") else { return nil }
        var feature = FeaturePolicy(id: name, source: source ?? .plugin(""))
        if let priority = integer(fields["priority"], in: 0...100) { feature.priority = priority }
        if let level: ServiceLevel = choice(fields["level"]) { feature.level = level }
        if let shortage: FeaturePolicy.Shortage = choice(fields["ifUnmet"]) {
            feature.shortage = shortage
        }
        cores(fields["cores"], &feature)
        feature.memory = memoryWish(fields["memory"])
        devices(fields, &feature)
        supervision(fields, &feature)
        if let config = fields["config"] { feature.config = configuration(config) }
        // A wish that was wrong has been told already, and may have been one for something.
        let isKnown = mistakes.errorCount == errorsBefore && !field.value.isCut
        if isKnown, !Self.asks(feature) {
            mistakes.error(
                field.keyMark,
                "the feature \(quoted(field.key)) asks for nothing: give it cores or memory")
        }
        return id == nil || source == nil ? nil : feature
    }

    private mutating func cores(_ field: Field?, _ feature: inout FeaturePolicy) {
        let classes = CoreClass.allCases.map(\.rawValue)
        guard let fields = fields(of: field, known: classes + ["sharing", "weight", "partition"])
        else { return }
        for coreClass in CoreClass.allCases {
            feature.cores[coreClass] = coreWish(fields[coreClass.rawValue])
        }
        if let weight = integer(fields["weight"], in: 1...10000) { feature.weight = weight }
        if let partition: FeaturePolicy.Partition = choice(fields["partition"]) {
            feature.partition = partition
        }
        partitionNeedsOwnCores(fields, feature)
        guard let sharing: FeaturePolicy.Sharing = choice(fields["sharing"]) else { return }
        feature.sharing = sharing
        guard sharing == .exclusive, !feature.isExclusive, let written = fields["sharing"]
        else { return }
        mistakes.warning(
            written.mark,
            "\(written.path) is exclusive, but a min below one core is always shared "
                + "(raise each min to 1 or more, leave out classes of which none are wanted, or "
                + "write shared)")
    }

    private mutating func devices(_ fields: Fields, _ feature: inout FeaturePolicy) {
        if let gpu = self.fields(of: fields["gpu"], known: ["memory"]) {
            feature.gpuBytes = amount(gpu["memory"], .memory) ?? 0
        }
        if let npu = self.fields(of: fields["npu"], known: ["share"]) {
            feature.npuPercent = amount(npu["share"], .percent) ?? 0
        }
        limits(fields, &feature)
    }

    private mutating func supervision(_ fields: Fields, _ feature: inout FeaturePolicy) {
        if let lend = bool(fields["lend"]) { feature.lend = lend }
        if let borrow = bool(fields["borrow"]) { feature.borrow = borrow }
        if let restart: FeaturePolicy.Restart = choice(fields["restart"]) {
            feature.restart = restart
        }
        if let enabled = bool(fields["enabled"]) { feature.enabled = enabled }
        feature.restartBudget = restartBudget(fields["restartBudget"])
        feature.breaker = breaker(fields["breaker"])
        feature.health = health(fields["health"], of: feature.id.name)
        guard let slo = self.fields(of: fields["slo"], known: ["latencyP99", "errorRate"])
        else { return }
        feature.slo.latencyP99 = duration(slo["latencyP99"], atLeast: .microseconds(1))
        feature.slo.errorRatePercent = amount(slo["errorRate"], .percent)
    }

    /// Whether there is anything to give to a feature.
    private static func asks(_ feature: FeaturePolicy) -> Bool {
        CoreClass.allCases.contains { (feature.cores[$0]?.max ?? 0) > 0 }
            || feature.memory.want > 0 || (feature.memory.max ?? 0) > 0
    }
}

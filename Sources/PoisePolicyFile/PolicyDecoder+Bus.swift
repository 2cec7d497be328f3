import PoiseModel

/// One route as it is written, with the places of what its mistakes may be about.
struct RouteDraft {
    /// A name with its place.
    struct Name {
        let text: String
        let field: Field
    }

    let field: Field
    var route: BusRoute
    /// In the order of the file, as are the names below.
    var topics: [Name] = []
    var from: [Name] = []
    var to: [Name] = []
    /// Whether all of these could be read.
    var isWhole = true
}

/// What features say to each other.
extension PolicyDecoder {
    private static let routeKeys = [
        "topics", "from", "to", "deliver", "prefer", "full", "ring", "wait", "producers",
    ]

    /// - Parameter features: those of the policy that could be read.
    mutating func bus(_ field: Field?, among features: [FeaturePolicy]) -> BusPolicy {
        var bus = BusPolicy()
        guard let fields = fields(of: field, known: ["arena", "routes"]) else { return bus }
        if let bytes = arena(fields["arena"]) { bus.arenaBytes = bytes }
        guard let routes = fields["routes"], let members = members(of: routes, noun: "route")
        else { return bus }
        guard members.count <= PolicyLimit.routes else {
            mistakes.error(
                routes.mark,
                "\(members.count) routes are too many (at most \(PolicyLimit.routes))")
            return bus
        }
        let drafts = members.compactMap { route($0, among: features) }
        settleTopics(of: drafts)
        // What cannot be read has been told, and may be what is missing.
        if !featureNames.isEmpty {
            let mute = features.filter { Self.muteKind($0) != nil }.map(\.id.name)
            let plugins = featureNames.subtracting(mute).compactMap { FeatureID($0) }
            settle(BusRoads(drafts: drafts.filter(\.isWhole), plugins: plugins.sorted()), routes)
        }
        bus.routes = drafts.map(\.route).sorted { $0.name < $1.name }
        return bus
    }

    private mutating func arena(_ field: Field?) -> Int? {
        guard let field, let bytes = amount(field, .memory), bytes > 0 else {
            return field == nil ? nil : 0
        }
        guard BusPolicy.arenaRange.contains(bytes) else {
            mistakes.error(
                field.mark,
                "\(field.path) must be 0 or from \(Self.spelled(BusPolicy.arenaRange)), not "
                    + (field.value.scalar.map { printable($0.text) } ?? ""))
            return nil
        }
        return bytes
    }

    /// One route; nil when its name is wrong or it is no mapping.
    private mutating func route(_ field: Field, among features: [FeaturePolicy]) -> RouteDraft? {
        let isName = FeatureID(field.key) != nil
        if !isName {
            mistakes.error(
                field.keyMark,
                "\(quoted(field.key)) cannot name a route (1 to 64 of a-z A-Z 0-9 - _ ., "
                    + "beginning with a letter or digit)")
        }
        guard let fields = fields(of: field, known: Self.routeKeys) else { return nil }
        var draft = RouteDraft(field: field, route: BusRoute(name: field.key, topics: []))
        let errorsBefore = mistakes.errorCount
        topics(fields, &draft)
        draft.from = speakers(fields["from"], among: features)
        draft.to = speakers(fields["to"], among: features)
        draft.isWhole = mistakes.errorCount == errorsBefore
        draft.route.from = draft.from.compactMap { FeatureID($0.text) }.sorted()
        draft.route.to = draft.to.compactMap { FeatureID($0.text) }.sorted()
        if let delivery: BusDelivery = choice(fields["deliver"]) {
            draft.route.delivery = delivery
        }
        if let wait: BusWait = choice(fields["wait"]) { draft.route.wait = wait }
        if let bytes = ring(fields["ring"]) { draft.route.ringBytes = bytes }
        prefer(fields, &draft.route)
        full(fields, &draft.route)
        return isName ? draft : nil
    }

    private mutating func topics(_ fields: Fields, _ draft: inout RouteDraft) {
        if fields.lacks("topics") {
            mistakes.error(
                fields.owner.keyMark,
                "\(fields.owner.path) has no topics (name at least one, such as 'topics: "
                    + "[windows]')")
        }
        for name in names(fields["topics"], emptyHint: "name at least one topic") {
            guard BusTopic.isName(name.text) else {
                mistakes.error(
                    name.field.mark,
                    "\(quoted(name.text)) cannot name a topic (1 to 64 of a-z A-Z 0-9 - _ . /)")
                continue
            }
            draft.topics.append(name)
        }
        if draft.topics.count > PolicyLimit.topics, let field = fields["topics"] {
            mistakes.error(
                field.mark,
                "\(field.path) has \(draft.topics.count) topics (at most \(PolicyLimit.topics) a "
                    + "route)")
        }
        draft.route.topics = draft.topics.map(\.text).sorted()
    }

    /// Features that a route names; those that cannot speak on the bus are told and left out.
    private mutating func speakers(
        _ field: Field?, among features: [FeaturePolicy]
    ) -> [RouteDraft.Name] {
        let names = names(field, emptyHint: "leave the key out for every feature")
        // Without any feature, what is missing has been told.
        guard !featureNames.isEmpty else { return [] }
        return names.filter { name in
            let (text, mark) = (name.text, name.field.mark)
            guard featureNames.contains(text) else {
                let hint = Nearest.hint(for: text, among: featureNames.sorted())
                mistakes.error(
                    mark, "\(name.field.path): there is no feature \(quoted(text))\(hint)")
                return false
            }
            let feature = features.first { $0.id.name == text }
            guard let kind = feature.flatMap(Self.muteKind) else { return true }
            mistakes.error(
                mark,
                "\(name.field.path): \(quoted(text)) is a \(kind), and only plugins speak on the "
                    + "bus (leave it out)")
            return false
        }
    }

    /// What a feature is that cannot speak on the bus; nil when it can.
    private static func muteKind(_ feature: FeaturePolicy) -> String? {
        switch feature.source {
        case .command: "command"
        case .unit: "unit"
        case .plugin: nil
        }
    }

    /// One name, or a list of names of which none is given twice.
    private mutating func names(_ field: Field?, emptyHint: String) -> [RouteDraft.Name] {
        guard let field else { return [] }
        guard case .sequence(let nodes) = field.value.content else {
            if case .mapping = field.value.content {
                wrongKind(field, "a name or a list of names")
                return []
            }
            return text(field).map { [RouteDraft.Name(text: $0, field: field)] } ?? []
        }
        if nodes.isEmpty, !field.value.isCut {
            mistakes.error(field.mark, "\(field.path) is an empty list (\(emptyHint))")
        }
        var names: [RouteDraft.Name] = []
        var known: Set<String> = []
        for (index, node) in nodes.enumerated() {
            let item = Field(
                path: "\(field.path)[\(index)]", key: field.key, keyMark: node.mark, value: node)
            guard let text = text(item) else { continue }
            guard known.insert(text).inserted else {
                mistakes.error(item.mark, "\(item.path): \(quoted(text)) is named twice")
                continue
            }
            names.append(RouteDraft.Name(text: text, field: item))
        }
        return names
    }
}

import PoiseModel

/// What a feature's health depends on and how it is checked.
extension PolicyDecoder {
    /// A dependency on another feature, until it is known which features there are.
    struct FeatureDependency {
        let owner: String
        let wanted: String
        let isCritical: Bool
        /// The place of the other feature's name.
        let field: Field
    }

    private static let targets = ["feature", "tcp", "file", "http", "grpc", "command"]

    mutating func health(_ field: Field?, of feature: String) -> HealthPolicy {
        var health = HealthPolicy()
        let known = ["every", "within", "dependencies", "checks"]
        guard let fields = fields(of: field, known: known) else { return health }
        if let every = duration(fields["every"], atLeast: .milliseconds(100)) {
            health.every = every
        }
        if let within = duration(fields["within"], atLeast: .milliseconds(1)) {
            health.within = within
        }
        if health.within > health.every, let place = fields["within"] ?? fields["every"] {
            mistakes.error(
                place.mark,
                "\(fields.owner.path): within \(Self.spelled(health.within)) is more than every "
                    + Self.spelled(health.every)
                    + (fields["within"] == nil || fields["every"] == nil ? " (a default)" : ""))
        }
        var names: [String: String] = [:]
        health.dependencies = checks(fields["dependencies"], of: feature, Self.targets, &names)
        let own = Self.targets.filter { $0 != "feature" }
        health.checks = checks(fields["checks"], of: feature, own, &names)
        if health.all.count > HealthPolicy.mostChecks {
            mistakes.error(
                fields.owner.mark,
                "\(fields.owner.path) has \(health.all.count) dependencies and checks (at most "
                    + "\(HealthPolicy.mostChecks) a feature)")
        }
        return health
    }

    /// The checks of one mapping; `names` are those of the feature so far, with where they are.
    private mutating func checks(
        _ field: Field?, of feature: String, _ targets: [String], _ names: inout [String: String]
    ) -> [HealthPolicy.Check] {
        guard let field, let members = members(of: field, noun: "check") else { return [] }
        var checks: [HealthPolicy.Check] = []
        for member in members {
            guard FeatureID(member.key) != nil else {
                mistakes.error(
                    member.keyMark,
                    "\(quoted(member.key)) cannot name a check (1 to 64 of a-z A-Z 0-9 - _ ., "
                        + "beginning with a letter or digit)")
                continue
            }
            if let other = names[member.key] {
                mistakes.error(
                    member.keyMark,
                    "\(member.path): the feature has \(other) of that name already (give it "
                        + "another)")
                continue
            }
            names[member.key] = field.path
            if let check = check(member, of: feature, targets) { checks.append(check) }
        }
        return checks.sorted { $0.name < $1.name }
    }

    private mutating func check(
        _ field: Field, of feature: String, _ targets: [String]
    ) -> HealthPolicy.Check? {
        guard let fields = fields(of: field, known: targets + ["status", "service", "critical"])
        else { return nil }
        let isCritical = bool(fields["critical"]) ?? true
        let given = targets.compactMap { fields[$0] }
        guard let first = given.first else {
            if !field.value.isCut, targets.allSatisfy(fields.lacks) {
                mistakes.error(
                    field.keyMark,
                    "\(field.path) checks nothing (give it one of "
                        + targets.joined(separator: ", ") + ")"
                )
            }
            return nil
        }
        for extra in given.dropFirst() {
            mistakes.error(
                extra.keyMark,
                "\(field.path) checks \(first.key) already (leave out \(extra.key), or make it a "
                    + "check of its own)")
        }
        for (key, owner) in [("status", "http"), ("service", "grpc")] where first.key != owner {
            guard let stray = fields[key] else { continue }
            mistakes.error(stray.keyMark, "\(stray.path) means nothing without \(owner)")
        }
        let target = target(first, fields, of: feature, isCritical)
        return target.map { .init(name: field.key, target: $0, isCritical: isCritical) }
    }

    private mutating func target(
        _ field: Field, _ fields: Fields, of feature: String, _ isCritical: Bool
    ) -> HealthPolicy.Target? {
        switch field.key {
        case "feature":
            guard let name = text(field) else { return nil }
            featureDependencies.append(
                FeatureDependency(
                    owner: feature, wanted: name, isCritical: isCritical, field: field))
            return FeatureID(name).map { .feature($0) }
        case "tcp": return address(field).map { .tcp($0) }
        case "file": return path(field).map { .file($0) }
        case "http":
            guard let (address, path) = url(field) else { return nil }
            return .http(address, path: path, status: integer(fields["status"], in: 200...599))
        case "grpc":
            let service = serviceName(fields["service"])
            return address(field).map { .grpc($0, service: service) }
        default:
            guard case .command(let words) = command(field) else { return nil }
            return .command(words)
        }
    }

    private mutating func path(_ field: Field) -> String? {
        guard let path = text(field) else { return nil }
        guard path.hasPrefix("/"), path.utf8.count < 4096 else {
            mistakes.error(
                field.mark, "\(quoted(path)) is no absolute path (begin it with /)")
            return nil
        }
        return path
    }

    private mutating func serviceName(_ field: Field?) -> String {
        guard let field, let name = text(field) else { return "" }
        guard name.utf8.count <= 256 else {
            mistakes.error(field.mark, "\(field.path) is longer than 256 bytes")
            return ""
        }
        return name
    }

    private mutating func address(_ field: Field) -> NetworkAddress? {
        guard let text = text(field) else { return nil }
        return address(text[...], in: field, port: nil)
    }

    private mutating func address(
        _ text: Substring, in field: Field, port: Int?
    ) -> NetworkAddress? {
        do throws(AddressText.Mistake) {
            return try AddressText.read(text, port: port)
        } catch {
            mistakes.error(field.mark, "\(field.path): \(error.text)")
            return nil
        }
    }

    /// `http://127.0.0.1:8080/healthz`.
    private mutating func url(_ field: Field) -> (NetworkAddress, path: String)? {
        guard let text = text(field) else { return nil }
        let scheme = "http://"
        guard text.hasPrefix(scheme) else {
            let remedy =
                text.hasPrefix("https:")
                ? "https is not spoken here: check tcp, or run a command such as curl"
                : "write it as http://127.0.0.1:8080/healthz"
            mistakes.error(field.mark, "\(field.path): \(quoted(text)) is no such URL (\(remedy))")
            return nil
        }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[host.endIndex...]
        let isVisible: (UInt8) -> Bool = { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
        guard path.utf8.allSatisfy(isVisible), path.utf8.count <= 1024 else {
            mistakes.error(
                field.mark,
                "\(field.path): the path of a URL has at most 1024 visible ASCII characters and no "
                    + "'#' (write others as %XX)")
            return nil
        }
        guard let address = address(host, in: field, port: 80) else { return nil }
        return (address, path.hasPrefix("/") ? String(path) : "/" + path)
    }
}

/// Dependencies of features on each other, once all features are read.
extension PolicyDecoder {
    /// Tells of dependencies on what is no feature, on itself, and in circles.
    mutating func settleDependencies(among names: [String]) {
        var needs: [String: [FeatureDependency]] = [:]
        for dependency in featureDependencies {
            let field = dependency.field
            if dependency.wanted == dependency.owner {
                mistakes.error(field.mark, "\(field.path): a feature cannot depend on itself")
            } else if !names.contains(dependency.wanted) {
                let hint = Nearest.hint(for: dependency.wanted, among: names)
                mistakes.error(
                    field.mark,
                    "\(field.path): there is no feature \(quoted(dependency.wanted))\(hint)")
            } else if dependency.isCritical {
                needs[dependency.owner, default: []].append(dependency)
            }
        }
        var settled: Set<String> = []
        for name in names { followNeeds(from: name, needs, &settled) }
    }

    /// Walks all that `first` needs, depth first without recursion; each circle is told once, at
    /// the dependency that closes it.
    private mutating func followNeeds(
        from first: String, _ needs: [String: [FeatureDependency]], _ settled: inout Set<String>
    ) {
        guard !settled.contains(first) else { return }
        var path = [(name: first, next: 0)]
        while let last = path.last {
            let edges = needs[last.name] ?? []
            guard last.next < edges.count else {
                settled.insert(last.name)
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let edge = edges[last.next]
            if let start = path.firstIndex(where: { $0.name == edge.wanted }) {
                let circle = path[start...].map { printable($0.name) } + [printable(edge.wanted)]
                mistakes.error(
                    edge.field.mark,
                    "\(edge.field.path): features need each other in a circle, so that none is "
                        + "ever ready: \(circle.joined(separator: " → ")) (write critical: false "
                        + "for one)"
                )
            } else if !settled.contains(edge.wanted) {
                path.append((edge.wanted, 0))
            }
        }
    }
}

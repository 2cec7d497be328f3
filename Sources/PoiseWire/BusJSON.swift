package import PoiseModel

extension BusAttachment {
    package var json: JSON {
        var members: [(key: String, value: JSON)] = [
            ("link", .string(link)), ("incarnation", .integer(incarnation)),
            ("role", .string(role.rawValue)), ("route", .string(route)),
            ("peer", .string(peer.name)), ("ringBytes", .integer(ringBytes)),
            ("wait", .string(wait.rawValue)), ("full", full.json),
            ("arenaBytes", .integer(arenaBytes)),
        ]
        if let producerIndex { members.append(("producerIndex", .integer(producerIndex))) }
        if isShared {
            let list = writers.map { writer -> JSON in
                ["index": .integer(writer.index), "feature": .string(writer.feature.name)]
            }
            members += [("shared", true), ("writers", .array(list))]
        }
        return .object(members.map { JSON.Member($0.key, $0.value) })
    }

    package init(json: JSON) throws(WireError) {
        guard let role = Role(rawValue: try json.text("role")) else {
            throw WireError("role", "is producer or consumer")
        }
        guard let wait = BusWait(rawValue: try json.text("wait")) else {
            throw WireError("wait", "is spin, adaptive or block")
        }
        guard let peer = FeatureID(try json.text("peer")) else {
            throw WireError("peer", "is no feature's name")
        }
        self.init(
            link: try json.text("link"), incarnation: try json.count("incarnation"), role: role,
            route: try json.text("route"), peer: peer,
            ringBytes: try json.count("ringBytes", most: 64 << 20),
            full: try FullRing(json: json["full"] ?? .null), wait: wait,
            producerIndex: try json["producerIndex"].map { _ throws(WireError) in
                try json.count("producerIndex", most: BusRoute.mostWriters - 1)
            }, arenaBytes: try json.count("arenaBytes", most: 1 << 40),
            isShared: json["shared"]?.bool ?? false, writers: try BusAttachment.writers(json))
        guard !isShared || role == .consumer || producerIndex != nil else {
            throw WireError("producerIndex", "is missing: who writes into a shared ring has one")
        }
    }

    private static func writers(_ json: JSON) throws(WireError) -> [Writer] {
        var read: [Writer] = []
        for item in json["writers"]?.array ?? [] {
            guard let feature = FeatureID(try item.text("feature")) else {
                throw WireError("writers", "has what is no feature's name")
            }
            let index = try item.count("index", most: BusRoute.mostWriters - 1)
            read.append(Writer(index: index, feature: feature))
        }
        return read
    }
}

extension FullRing {
    package var json: JSON {
        switch self {
        case .block(let time):
            ["rule": "block", "nanoseconds": .integer(time.wholeNanoseconds)]
        case .dropOldest: ["rule": "dropOldest"]
        case .dropNewest: ["rule": "dropNewest"]
        case .spill(let most): ["rule": "spill", "mostBytes": .integer(most)]
        }
    }

    package init(json: JSON) throws(WireError) {
        switch json["rule"]?.string {
        case "block": self = .block(.nanoseconds(try json.count("nanoseconds", most: 1 << 62)))
        case "dropOldest": self = .dropOldest
        case "dropNewest": self = .dropNewest
        case "spill": self = .spill(mostBytes: try json.count("mostBytes", most: 1 << 50))
        default: throw WireError("rule", "is block, dropOldest, dropNewest or spill")
        }
    }
}

extension BusTable {
    package var json: JSON {
        [
            "generation": .integer(generation),
            "rows": .array(rows.map(\.json)),
        ]
    }

    package init(json: JSON) throws(WireError) {
        guard let rows = json["rows"]?.array else { throw WireError("rows", "a list is missing") }
        var read: [Row] = []
        for row in rows { read.append(try Row(json: row)) }
        self.init(generation: try json.count("generation"), rows: read)
    }
}

extension BusTable.Row {
    package var json: JSON {
        [
            "route": .string(route), "topics": .array(topics.map { .string($0) }),
            "delivery": .string(delivery.rawValue),
            "members": .array(
                members.map { member in
                    .array(
                        member.map { ["link": .string($0.link), "share": .integer($0.share)] })
                }),
        ]
    }

    package init(json: JSON) throws(WireError) {
        guard let delivery = BusDelivery(rawValue: try json.text("delivery")) else {
            throw WireError("delivery", "is broadcast or any")
        }
        guard let topics = json["topics"]?.array, let members = json["members"]?.array else {
            throw WireError("topics", "a list is missing")
        }
        var destinations: [[BusTable.Destination]] = []
        for member in members {
            guard let list = member.array else { throw WireError("members", "is a list of lists") }
            var read: [BusTable.Destination] = []
            for item in list {
                read.append(
                    BusTable.Destination(
                        link: try item.text("link"), share: try item.count("share")))
            }
            destinations.append(read)
        }
        self.init(
            route: try json.text("route"), topics: topics.compactMap(\.string),
            members: destinations, delivery: delivery)
    }
}

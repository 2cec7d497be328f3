package import PoiseModel

/// What `poised` tells a plugin's host: one JSON object a datagram, at most `longest` bytes.
package enum HostOrder: Sendable, Equatable {
    /// The first one: open the library, create and start the plugin.
    case start(
        feature: String, plugin: String, config: JSON, allocation: HostAllocation,
        stateFolder: String)
    case apply(HostAllocation)
    case drain(milliseconds: Int)
    case stop
    /// Tell your load.
    case sample
    case checkHealth
    /// The service level of the machine from now on.
    case serviceLevel(ServiceLevel)
    /// Give up so much memory.
    case shrink(bytes: Int)
    /// Let the plugin say only so much of what it usually may, per cent.
    case limit(percent: Int)
    /// Take up one end of a link of the bus; its descriptors come with the order.
    case busAttach(BusAttachment)
    /// Send by this table from now on.
    case busRoutes(BusTable)
    /// Leave a link: what was sent and not read stays in it.
    case busDetach(link: String)

    /// No datagram between daemon and host is longer, in bytes.
    package static let longest = 64 << 10

    package var json: JSON {
        switch self {
        case .start(let feature, let plugin, let config, let allocation, let stateFolder):
            [
                "order": "start", "feature": .string(feature), "plugin": .string(plugin),
                "config": config, "allocation": allocation.json,
                "stateFolder": .string(stateFolder),
            ]
        case .apply(let allocation): ["order": "apply", "allocation": allocation.json]
        case .drain(let milliseconds):
            ["order": "drain", "milliseconds": .integer(milliseconds)]
        case .stop: ["order": "stop"]
        case .sample: ["order": "sample"]
        case .checkHealth: ["order": "checkHealth"]
        case .serviceLevel(let level):
            ["order": "serviceLevel", "level": .string(level.rawValue)]
        case .shrink(let bytes): ["order": "shrink", "bytes": .integer(bytes)]
        case .limit(let percent): ["order": "limit", "percent": .integer(percent)]
        case .busAttach(let attachment): ["order": "busAttach", "attachment": attachment.json]
        case .busRoutes(let table): ["order": "busRoutes", "table": table.json]
        case .busDetach(let link): ["order": "busDetach", "link": .string(link)]
        }
    }

    package init(json: JSON) throws(WireError) {
        switch json["order"]?.string {
        case "start":
            self = .start(
                feature: try json.text("feature"), plugin: try json.text("plugin"),
                config: json["config"] ?? .object([]),
                allocation: try HostAllocation(json: json["allocation"] ?? .null),
                stateFolder: try json.text("stateFolder"))
        case "apply": self = .apply(try HostAllocation(json: json["allocation"] ?? .null))
        case "drain": self = .drain(milliseconds: try json.count("milliseconds"))
        case "stop": self = .stop
        case "sample": self = .sample
        case "checkHealth": self = .checkHealth
        case "serviceLevel":
            guard let level = ServiceLevel(rawValue: try json.text("level")) else {
                throw WireError("level", "is none")
            }
            self = .serviceLevel(level)
        case "shrink": self = .shrink(bytes: try json.count("bytes", most: 1 << 50))
        case "limit": self = .limit(percent: try json.count("percent", most: 100))
        case "busAttach":
            self = .busAttach(try BusAttachment(json: json["attachment"] ?? .null))
        case "busRoutes": self = .busRoutes(try BusTable(json: json["table"] ?? .null))
        case "busDetach": self = .busDetach(link: try json.text("link"))
        default: throw WireError("order", "is none: \("\(json["order"] ?? .null)".prefix(64))")
        }
    }
}

extension JSON {
    /// The text under a key, at most `longest` bytes of it.
    func text(_ key: String, longest: Int = 4096) throws(WireError) -> String {
        guard let text = self[key]?.string else { throw WireError(key, "a text is missing") }
        guard text.utf8.count <= longest else {
            throw WireError(key, "longer than \(longest) bytes")
        }
        return text
    }

    /// The text under a key as `text` gives it, harmless on a terminal.
    func tamedText(_ key: String, longest: Int) throws(WireError) -> String {
        HostMessageText.tame(try text(key, longest: longest))
    }

    /// The whole number under a key, from 0 to `most`.
    func count(_ key: String, most: Int = 1 << 40) throws(WireError) -> Int {
        guard let number = self[key]?.integer, (0...most).contains(number) else {
            throw WireError(key, "a whole number from 0 to \(most)")
        }
        return number
    }

    /// The number under a key, nil when it is absent or null; from 0 to `most`.
    func amount(_ key: String, most: Double) throws(WireError) -> Double? {
        guard let value = self[key], value != .null else { return nil }
        guard let number = value.number, number >= 0, number <= most else {
            throw WireError(key, "a number from 0 to \(most)")
        }
        return number
    }
}

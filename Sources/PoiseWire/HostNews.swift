package import PoiseModel

/// What a plugin's host tells `poised`: one JSON object a datagram, at most `HostOrder.longest`
/// bytes.
///
/// A host may be in the hands of a hostile plugin, so everything is bounded and checked here: what
/// is out of bounds is a `WireError`, and no value that gets through can harm the reader.
package enum HostNews: Sendable, Equatable {
    package enum LogLevel: String, Sendable, CaseIterable { case debug, info, warning, error }

    /// A named text.
    package struct Field: Sendable, Equatable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The library is open and speaks this ABI.
    case loaded(name: String, version: String, abi: Int)
    case created
    case started
    case applied(generation: Int)
    case drained
    case stopped
    case report(LoadReport)
    case health(HealthWord)
    /// It needs so many millicores of a class in all; 0 takes the need back. `signalled` is when
    /// the plugin said so, by the monotonic clock, which is one for the whole machine; nil when
    /// its host does not tell.
    case need(CoreClass, millicores: Int, milliseconds: Int, signalled: Instant? = nil)
    case log(LogLevel, text: String, fields: [Field])
    case event(name: String, fields: [Field])
    /// A step failed; the host ends. `permanent` when starting again is of no use.
    case failed(stage: String, text: String, permanent: Bool)
    /// What the host threw away since it last said so, because the plugin sent too much.
    case dropped(TrafficCounts)
    /// What is in a link's memory cannot be; it reads and writes there no more. `byPeer` when the
    /// other end wrote it.
    case busDamaged(link: String, byPeer: Bool, text: String)
    /// It has left a link, and somebody else may take it up.
    case busDetached(link: String)

    package static let mostFields = 16
    package static let mostGauges = 32
    private static let longestName = 64
    private static let longestLink = 256
    private static let longestText = 2048

    package init(json: JSON) throws(WireError) {
        switch json["news"]?.string {
        case "loaded":
            self = .loaded(
                name: try json.tamedText("name", longest: HostNews.longestName),
                version: try json.tamedText("version", longest: HostNews.longestName),
                abi: try json.count("abi"))
        case "created": self = .created
        case "started": self = .started
        case "applied": self = .applied(generation: try json.count("generation"))
        case "drained": self = .drained
        case "stopped": self = .stopped
        case "report": self = .report(try LoadReport(json: json))
        case "health": self = .health(try HostNews.health(json))
        case "need": self = try HostNews.need(json)
        case "log":
            guard let level = json["level"]?.string.flatMap(LogLevel.init(rawValue:)) else {
                throw WireError("level", "is none")
            }
            self = .log(
                level, text: try json.tamedText("text", longest: HostNews.longestText),
                fields: try HostNews.fields(json))
        case "event":
            self = .event(
                name: try json.tamedText("name", longest: HostNews.longestName),
                fields: try HostNews.fields(json))
        case "failed":
            self = .failed(
                stage: try json.tamedText("stage", longest: HostNews.longestName),
                text: try json.tamedText("text", longest: HostNews.longestText),
                permanent: json["permanent"]?.bool ?? false)
        case "dropped":
            self = .dropped(try HostNews.dropped(json))
        case "busDamaged":
            self = .busDamaged(
                link: try json.tamedText("link", longest: HostNews.longestLink),
                byPeer: json["byPeer"]?.bool ?? false,
                text: try json.tamedText("text", longest: HostNews.longestText))
        case "busDetached":
            self = .busDetached(link: try json.tamedText("link", longest: HostNews.longestLink))
        default: throw WireError("news", "is none: \("\(json["news"] ?? .null)".prefix(64))")
        }
    }

    private static func need(_ json: JSON) throws(WireError) -> HostNews {
        guard let coreClass = json["class"]?.string.flatMap(CoreClass.init(rawValue:)) else {
            throw WireError("class", "is none")
        }
        return .need(
            coreClass, millicores: try json.count("millicores", most: 1 << 30),
            milliseconds: try json.count("milliseconds", most: 86_400_000),
            signalled: try json["signalledNanoseconds"].map { _ throws(WireError) in
                Instant(
                    nanoseconds: try json.count("signalledNanoseconds", most: 1 << 62))
            })
    }

    /// What a host drops of what its plugin sends.
    private static let droppable: [TrafficClass] = [.logs, .events, .needs, .reports, .health]

    private static func dropped(_ json: JSON) throws(WireError) -> TrafficCounts {
        var counts = TrafficCounts()
        for kind in droppable {
            // A host from before these were counted does not tell them.
            if json[kind.rawValue] == nil, kind == .reports || kind == .health { continue }
            counts[kind] = try json.count(kind.rawValue)
        }
        return counts
    }

    private static func health(_ json: JSON) throws(WireError) -> HealthWord {
        switch json["health"]?.string {
        case "good": .good
        case "degraded": .degraded(try json.tamedText("text", longest: longestText))
        case "failing": .failing(try json.tamedText("text", longest: longestText))
        default: throw WireError("health", "is good, degraded or failing")
        }
    }

    private static func fields(_ json: JSON) throws(WireError) -> [Field] {
        guard let members = json["fields"]?.members else { return [] }
        guard members.count <= mostFields else {
            throw WireError("fields", "more than \(mostFields)")
        }
        var fields: [Field] = []
        for member in members {
            guard let value = member.value.string, value.utf8.count <= longestText,
                member.key.utf8.count <= longestName
            else { throw WireError("fields", "a field is a short text") }
            fields.append(Field(HostMessageText.tame(member.key), HostMessageText.tame(value)))
        }
        return fields
    }
}

extension HostNews {
    package var json: JSON {
        switch self {
        case .loaded(let name, let version, let abi):
            [
                "news": "loaded", "name": .string(name), "version": .string(version),
                "abi": .integer(abi),
            ]
        case .created: ["news": "created"]
        case .started: ["news": "started"]
        case .applied(let generation):
            ["news": "applied", "generation": .integer(generation)]
        case .drained: ["news": "drained"]
        case .stopped: ["news": "stopped"]
        case .report(let report):
            .object([.init("news", "report")] + (report.json.members ?? []))
        case .health(let health): HostNews.json(of: health)
        case .need(let coreClass, let millicores, let milliseconds, let signalled):
            .object(
                [
                    .init("news", "need"), .init("class", .string(coreClass.rawValue)),
                    .init("millicores", .integer(millicores)),
                    .init("milliseconds", .integer(milliseconds)),
                ]
                    + (signalled.map {
                        [.init("signalledNanoseconds", .integer($0.nanoseconds))]
                    } ?? []))
        case .log(let level, let text, let fields):
            [
                "news": "log", "level": .string(level.rawValue), "text": .string(text),
                "fields": HostNews.json(of: fields),
            ]
        case .event(let name, let fields):
            ["news": "event", "name": .string(name), "fields": HostNews.json(of: fields)]
        case .failed(let stage, let text, let permanent):
            [
                "news": "failed", "stage": .string(stage), "text": .string(text),
                "permanent": .bool(permanent),
            ]
        case .dropped(let counts):
            .object(
                [.init("news", "dropped")]
                    + HostNews.droppable.map { .init($0.rawValue, .integer(counts[$0])) })
        case .busDamaged(let link, let byPeer, let text):
            [
                "news": "busDamaged", "link": .string(link), "byPeer": .bool(byPeer),
                "text": .string(text),
            ]
        case .busDetached(let link): ["news": "busDetached", "link": .string(link)]
        }
    }

    private static func json(of health: HealthWord) -> JSON {
        switch health {
        case .good: ["news": "health", "health": "good"]
        case .degraded(let text):
            ["news": "health", "health": "degraded", "text": .string(text)]
        case .failing(let text): ["news": "health", "health": "failing", "text": .string(text)]
        }
    }

    private static func json(of fields: [Field]) -> JSON {
        .object(fields.map { JSON.Member($0.key, .string($0.value)) })
    }
}

extension LoadReport {
    /// What a plugin may claim at most; beyond it a report is a lie.
    private static let most = 1e15

    /// The members of a report, also in `poise status --json`; unknown is null.
    package var json: JSON {
        [
            "utilisation": JSON(utilisation), "queueDepth": JSON(queueDepth),
            "throughputPerSecond": JSON(throughputPerSecond),
            "latencyP50Seconds": JSON(latencyP50?.inSeconds),
            "latencyP99Seconds": JSON(latencyP99?.inSeconds), "errors": JSON(errors),
            "gauges": .object(gauges.map { JSON.Member($0.name, JSON($0.value)) }),
        ]
    }

    package init(json: JSON) throws(WireError) {
        self.init()
        utilisation = try json.amount("utilisation", most: 1.5)
        throughputPerSecond = try json.amount("throughputPerSecond", most: LoadReport.most)
        latencyP50 = try json.amount("latencyP50Seconds", most: 1e9).map { .seconds($0) }
        latencyP99 = try json.amount("latencyP99Seconds", most: 1e9).map { .seconds($0) }
        if let depth = json["queueDepth"], depth != .null {
            queueDepth = try json.count("queueDepth", most: 1 << 50)
        }
        if let count = json["errors"], count != .null {
            errors = try json.count("errors", most: 1 << 50)
        }
        let members = json["gauges"]?.members ?? []
        guard members.count <= HostNews.mostGauges else {
            throw WireError("gauges", "more than \(HostNews.mostGauges)")
        }
        for member in members {
            guard let value = member.value.number, member.key.utf8.count <= 64,
                HostMessageText.isName(member.key)
            else {
                throw WireError("gauges", "a gauge is a number with a short name")
            }
            gauges.append(Gauge(name: member.key, value: value))
        }
    }
}

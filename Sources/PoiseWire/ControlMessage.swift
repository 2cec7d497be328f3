package import PoiseModel

/// A call to the daemon: a Varlink call, one JSON object that ends with a zero byte.
package struct ControlCall: Sendable, Equatable {
    package var method: String
    package var parameters: JSON
    /// Whether the caller takes several replies.
    package var more: Bool

    package init(_ method: String, _ parameters: JSON = .object([]), more: Bool = false) {
        self.method = method
        self.parameters = parameters
        self.more = more
    }

    package init(json: JSON) throws(WireError) {
        guard let method = json["method"]?.string, method.utf8.count <= 256 else {
            throw WireError("method", "a call names its method")
        }
        let parameters = json["parameters"] ?? .object([])
        guard parameters.members != nil else {
            throw WireError("parameters", "the parameters are an object")
        }
        self.init(method, parameters, more: json["more"]?.bool ?? false)
    }

    package var json: JSON {
        var members = [JSON.Member("method", .string(method))]
        if parameters.members?.isEmpty == false { members.append(.init("parameters", parameters)) }
        if more { members.append(.init("more", true)) }
        return .object(members)
    }
}

/// The daemon's answer: parameters, or an error with a text for people.
package struct ControlReply: Sendable, Equatable {
    /// Why a call was not done; `io.poise.` and the case's name on the wire.
    package enum Failure: String, Sendable {
        case unknownMethod = "UnknownMethod"
        case badParameters = "BadParameters"
        case notFound = "NotFound"
        case refused = "Refused"
        case notAllowed = "NotAllowed"
        case busy = "Busy"
    }

    package static let interface = "io.poise."

    package var failure: Failure?
    package var parameters: JSON
    /// Whether another reply to the same call follows.
    package var continues: Bool

    package init(_ parameters: JSON, continues: Bool = false) {
        self.parameters = parameters
        self.continues = continues
    }

    package init(_ failure: Failure, _ text: String) {
        self.failure = failure
        parameters = ["text": .string(text)]
        continues = false
    }

    package init(json: JSON) throws(WireError) {
        self.init(json["parameters"] ?? .object([]), continues: json["continues"]?.bool ?? false)
        guard let error = json["error"] else { return }
        guard let name = error.string, name.hasPrefix(ControlReply.interface),
            let failure = Failure(rawValue: String(name.dropFirst(ControlReply.interface.count)))
        else { throw WireError("error", "an unknown error: \(error)") }
        self.failure = failure
    }

    package var json: JSON {
        var members: [JSON.Member] = []
        if let failure {
            members.append(.init("error", .string(ControlReply.interface + failure.rawValue)))
        }
        members.append(.init("parameters", parameters))
        if continues { members.append(.init("continues", true)) }
        return .object(members)
    }

    /// The text of a failure.
    package var text: String { parameters["text"]?.string ?? "" }
}

/// What the daemon can be asked, by the name on the wire.
package enum ControlMethod: String, CaseIterable, Sendable {
    case status = "io.poise.Status"
    case allocations = "io.poise.Allocations"
    case explain = "io.poise.Explain"
    /// Everything that decisions are made from now, so that the caller can explain them itself.
    case snapshot = "io.poise.Snapshot"
    case events = "io.poise.Events"
    case history = "io.poise.History"
    case plugins = "io.poise.Plugins"
    case topology = "io.poise.Topology"
    case featureStart = "io.poise.FeatureStart"
    case featureStop = "io.poise.FeatureStop"
    case featureRestart = "io.poise.FeatureRestart"
    case featureEnable = "io.poise.FeatureEnable"
    case featureDisable = "io.poise.FeatureDisable"
    /// Parameters `feature` and `command`: `reset` or `hold`.
    case breaker = "io.poise.Breaker"
    /// What every feature's health is and why.
    case health = "io.poise.Health"
    /// The service level; the parameter `set` (a level or `auto`) sets it.
    case level = "io.poise.Level"
    case rollout = "io.poise.Rollout"
    case rollback = "io.poise.Rollback"
    /// How rollouts go.
    case rollouts = "io.poise.Rollouts"
    /// Does harm on purpose, where the daemon was started for that.
    case chaos = "io.poise.Chaos"
    /// Where messages of features go.
    case busRoutes = "io.poise.BusRoutes"
    /// What each link of the bus has counted since it was made.
    case busCounters = "io.poise.BusCounters"
    /// Messages of a topic as they pass: the parameters `topic`, `count` and `payload`.
    case busTrace = "io.poise.BusTrace"
    case policyApply = "io.poise.PolicyApply"
    case run = "io.poise.Run"
}

/// Cuts a stream of bytes into the messages that zero bytes end, and refuses what is too long.
package struct MessageSplitter: Sendable {
    /// No message of the control socket is longer.
    package static let longest = 1 << 20

    private var rest: [UInt8] = []

    package init() {}

    /// Adds bytes and gives the messages that are complete, without their zero byte.
    package mutating func add(_ bytes: some Sequence<UInt8>) throws(WireError) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        for byte in bytes {
            if byte == 0 {
                messages.append(rest)
                rest.removeAll(keepingCapacity: true)
            } else {
                rest.append(byte)
                guard rest.count <= MessageSplitter.longest else {
                    throw WireError("", "a message is longer than \(MessageSplitter.longest) bytes")
                }
            }
        }
        return messages
    }
}

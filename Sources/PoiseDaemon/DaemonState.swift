import PoiseLinux
import PoiseModel
import PoiseWire

/// What a daemon leaves in the runtime folder for the one after it.
///
/// A hint and never the truth: the kernel says what runs and what it is held to. So whatever is
/// wrong with the file only means that more is found out anew.
struct DaemonState: Equatable {
    /// One feature that has a process.
    struct Feature: Equatable {
        var feature: FeatureID
        var pid: Int32
        /// With the number it names one process for good (`/proc/PID/stat`, field 22).
        var startTicks: Int
        /// The number of its cgroup (its inode), nil without one.
        var cgroup: Int?
        /// What it runs, as the policy said when it was started.
        var source: String
        var generation: Int
        var restarts: Int
        var failures: Int
        var since: Instant
        var allocation: ResourceAllocation
        var plugin: String?
        var pluginVersion: String?
    }

    /// A unit of systemd that is a feature.
    struct Unit: Equatable {
        var feature: FeatureID
        var name: String
        var generation: Int
        var allocation: ResourceAllocation
        var origin: UnitOrigin
    }

    /// A need that a plugin has signalled.
    struct Need: Equatable {
        var feature: FeatureID
        var coreClass: CoreClass
        var millicores: Int
        var until: Instant
    }

    /// Names one boot (`/proc/sys/kernel/random/boot_id`).
    var bootID: String
    var plan: AllocationPlan
    var features: [Feature]
    var units: [Unit] = []
    var needs: [Need] = []
    /// What the cgroup of all features was like before.
    var root = CgroupFolder.Before()

    /// Why a file says nothing.
    struct Unusable: Error, CustomStringConvertible {
        var description: String
    }

    private static let format = "poise-state 1"

    /// A line that names the format and the sum of the rest, and the rest as JSON.
    var text: String {
        let body = json.description
        return "\(DaemonState.format) \(DaemonState.sum(of: body))\n\(body)\n"
    }

    init(bootID: String, plan: AllocationPlan, features: [Feature]) {
        self.bootID = bootID
        self.plan = plan
        self.features = features
    }

    /// Reads what `text` wrote.
    init(text: String, bootID: String) throws(Unusable) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[0].hasPrefix(DaemonState.format + " ") else {
            throw Unusable(description: "it is of another version, or no state of poised")
        }
        let sum = lines[0].dropFirst(DaemonState.format.count + 1)
        guard sum == DaemonState.sum(of: String(lines[1])) else {
            throw Unusable(description: "its checksum is wrong: it was damaged")
        }
        do {
            try self.init(json: JSON.parse(Array(lines[1].utf8)))
        } catch {
            throw Unusable(description: "\(error)")
        }
        guard self.bootID == bootID else {
            throw Unusable(description: "it is of another boot of this machine")
        }
    }

    /// FNV-1a over the bytes: damage is to be noticed, not malice.
    private static func sum(of text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    private var json: JSON {
        [
            "boot": .string(bootID),
            "plan": plan.json(holding: .none, solveMicroseconds: nil),
            "features": .array(features.map(\.json)), "units": .array(units.map(\.json)),
            "needs": .array(needs.map(\.json)),
            "root": [
                "madeHome": .bool(root.madeHome),
                "texts": .object(
                    root.texts.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
            ],
        ]
    }

    private init(json: JSON) throws(WireError) {
        bootID = try json.string("boot")
        guard let plan = json["plan"] else { throw WireError("plan", "there is no plan") }
        self.plan = try AllocationPlan(json: plan)
        features = []
        for entry in json["features"]?.array ?? [] { features.append(try Feature(json: entry)) }
        for entry in json["units"]?.array ?? [] { units.append(try Unit(json: entry)) }
        for entry in json["needs"]?.array ?? [] { needs.append(try Need(json: entry)) }
        root.madeHome = json["root"]?["madeHome"]?.bool ?? false
        for member in json["root"]?["texts"]?.members ?? [] {
            root.texts[member.key] = member.value.string
        }
    }
}

extension DaemonState.Need {
    fileprivate var json: JSON {
        [
            "feature": .string(feature.name), "class": .string(coreClass.rawValue),
            "millicores": .integer(millicores), "untilNanoseconds": .integer(until.nanoseconds),
        ]
    }

    fileprivate init(json: JSON) throws(WireError) {
        guard let feature = FeatureID(try json.string("feature")),
            let coreClass = CoreClass(rawValue: try json.string("class"))
        else { throw WireError("needs", "a need has a feature and a class") }
        self.init(
            feature: feature, coreClass: coreClass, millicores: try json.number("millicores"),
            until: Instant(nanoseconds: try json.number("untilNanoseconds")))
    }
}

extension DaemonState.Unit {
    fileprivate var json: JSON {
        [
            "feature": .string(feature.name), "unit": .string(name),
            "generation": .integer(generation), "allocation": allocation.json(holding: .none),
            "origin": origin.json,
        ]
    }

    fileprivate init(json: JSON) throws(WireError) {
        guard let feature = FeatureID(try json.string("feature")), let origin = json["origin"],
            let allocation = json["allocation"]
        else { throw WireError("units", "a unit has a feature, an allocation and an origin") }
        self.init(
            feature: feature, name: try json.string("unit"),
            generation: try json.number("generation"),
            allocation: try ResourceAllocation(json: allocation, at: "allocation"),
            origin: try UnitOrigin(json: origin))
    }
}

extension DaemonState.Feature {
    fileprivate var json: JSON {
        [
            "feature": .string(feature.name), "pid": .integer(Int(pid)),
            "startTicks": .integer(startTicks), "cgroup": JSON(cgroup), "source": .string(source),
            "generation": .integer(generation), "restarts": .integer(restarts),
            "failures": .integer(failures), "sinceNanoseconds": .integer(since.nanoseconds),
            "plugin": JSON(plugin), "pluginVersion": JSON(pluginVersion),
            "allocation": allocation.json(holding: .none),
        ]
    }

    fileprivate init(json: JSON) throws(WireError) {
        guard let feature = FeatureID(try json.string("feature")) else {
            throw WireError("feature", "is no feature's name")
        }
        guard let allocation = json["allocation"] else {
            throw WireError("allocation", "a feature has one")
        }
        self.init(
            feature: feature, pid: Int32(clamping: try json.number("pid")),
            startTicks: try json.number("startTicks"), cgroup: json["cgroup"]?.integer,
            source: try json.string("source"), generation: try json.number("generation"),
            restarts: try json.number("restarts"), failures: try json.number("failures"),
            since: Instant(nanoseconds: try json.number("sinceNanoseconds")),
            allocation: try ResourceAllocation(json: allocation, at: "allocation"),
            plugin: json["plugin"]?.string, pluginVersion: json["pluginVersion"]?.string)
    }
}

extension JSON {
    fileprivate func string(_ key: String) throws(WireError) -> String {
        guard let text = self[key]?.string else { throw WireError(key, "there is no such text") }
        return text
    }

    fileprivate func number(_ key: String) throws(WireError) -> Int {
        guard let number = self[key]?.integer, number >= 0 else {
            throw WireError(key, "there is no such number")
        }
        return number
    }
}

extension FeaturePolicy {
    /// What it runs and with which configuration, to see whether it is still the same.
    var identity: String {
        let what =
            switch source {
            case .plugin(let name): "plugin \(name)"
            case .command(let words):
                "command \(JSON.array(words.map(JSON.string)))"
            case .unit(let name): "unit \(name)"
            }
        return "\(what) \(sandbox.rawValue) \(config)"
    }
}

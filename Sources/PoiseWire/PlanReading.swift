package import PoiseModel

/// A JSON document that is not what it should be: where and why.
package struct WireError: Error, Equatable, CustomStringConvertible {
    package var path: String
    package var text: String

    package init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
    }

    package var description: String { "at \(path): \(text)" }
}

extension AllocationPlan {
    /// Reads what `json(holding:solveMicroseconds:)` wrote, for `--in-force`.
    package init(json: JSON) throws(WireError) {
        guard let features = json["features"]?.array else {
            throw WireError("features", "a plan has a list of features")
        }
        self.init(
            machine: json["machine"]?.string ?? "", policy: json["policy"]?.string ?? "",
            reserved: try json.cpuSet("reserved", at: ""),
            idle: try json.cpuSet("idle", at: ""),
            reservedMillicores: json["reservedMillicores"]?.integer ?? 0)
        for (index, feature) in features.enumerated() {
            let allocation = try ResourceAllocation(json: feature, at: "features[\(index)]")
            self.features.append(allocation)
        }
        self.features.sort { $0.feature < $1.feature }
    }
}

extension ResourceAllocation {
    /// Reads one entry of `features`.
    package init(json: JSON, at path: String) throws(WireError) {
        guard let name = json["feature"]?.string, let feature = FeatureID(name) else {
            throw WireError("\(path).feature", "a feature has a name of letters and digits")
        }
        self.init(feature: feature, priority: json["priority"]?.integer ?? 50)
        level = json["level"]?.string.flatMap(ServiceLevel.init(rawValue:)) ?? .full
        exclusive = try json.cpuSet("exclusive", at: path)
        shared = try json.cpuSet("shared", at: path)
        borrowed = try json.cpuSet("borrowed", at: path)
        lent = json["lent"] == nil ? [] : try json.cpuSet("lent", at: path)
        cores = try json.perClass("cores", at: path) ?? .zero
        // A plan of another program may tell only the sum; whole cores are then the best guess.
        var guess = PerClass<Int>.zero
        for coreClass in CoreClass.allCases { guess[coreClass] = cores[coreClass] * 1000 }
        millicores = try json.perClass("millicoresByClass", at: path) ?? guess
        wanted = try json.perClass("wantedMillicores", at: path) ?? millicores
        weight = json["weight"]?.integer ?? 100
        guard let nodes = NodeSet(json["nodes"]?.string ?? "") else {
            throw WireError("\(path).nodes", "a list of nodes such as 0-1")
        }
        self.nodes = nodes
        memory = MemoryBudget(
            minBytes: json["memory"]?["minBytes"]?.integer ?? 0,
            lowBytes: json["memory"]?["lowBytes"]?.integer ?? 0,
            highBytes: json["memory"]?["highBytes"]?.integer,
            maxBytes: json["memory"]?["maxBytes"]?.integer)
        for (index, share) in (json["accelerators"]?.array ?? []).enumerated() {
            accelerators.append(
                try AcceleratorShare(json: share, at: "\(path).accelerators[\(index)]"))
        }
        because = json["because"]?.string ?? ""
    }
}

extension AcceleratorShare {
    init(json: JSON, at path: String) throws(WireError) {
        guard let id = json["id"]?.string else {
            throw WireError("\(path).id", "an accelerator has an id")
        }
        self.init(
            id: id, bytes: json["bytes"]?.integer ?? 0,
            sharePercent: json["sharePercent"]?.integer)
    }
}

extension JSON {
    func cpuSet(_ key: String, at path: String) throws(WireError) -> CPUSet {
        guard let text = self[key]?.string else { return [] }
        guard let set = CPUSet(text) else {
            throw WireError("\(path).\(key)", "\"\(text)\" is no list of CPUs such as 0-3,8")
        }
        return set
    }

    func perClass(_ key: String, at path: String) throws(WireError) -> PerClass<Int>? {
        guard let object = self[key] else { return nil }
        var values = PerClass<Int>.zero
        for coreClass in CoreClass.allCases {
            guard let value = object[coreClass.rawValue] else { continue }
            guard let number = value.integer, (0...(1 << 40)).contains(number) else {
                throw WireError("\(path).\(key).\(coreClass.rawValue)", "a whole number from 0")
            }
            values[coreClass] = number
        }
        return values
    }
}

extension Demand {
    /// Reads the document of `--demand`: for each feature the cores it needs now by class, such as
    /// `{"streaming": {"performance": 4, "efficiency": 2.5}}`.
    package static func read(_ json: JSON) throws(WireError) -> [FeatureID: Demand] {
        guard let members = json.members else {
            throw WireError("", "a demand is an object of features")
        }
        var demands: [FeatureID: Demand] = [:]
        for member in members {
            guard let feature = FeatureID(member.key) else {
                throw WireError(member.key, "is no feature's name")
            }
            guard let wishes = member.value.members else {
                throw WireError(member.key, "an object such as {\"performance\": 4}")
            }
            var demand = Demand()
            for wish in wishes {
                let path = "\(member.key).\(wish.key)"
                guard let coreClass = CoreClass(rawValue: wish.key) else {
                    throw WireError(path, "classes are performance, efficiency and lowPower")
                }
                guard let cores = wish.value.number, cores >= 0, cores <= 1_000_000 else {
                    throw WireError(path, "a number of cores such as 2.5")
                }
                demand.wanted[coreClass] = Int((cores * 1000).rounded())
            }
            demands[feature] = demand
        }
        return demands
    }
}

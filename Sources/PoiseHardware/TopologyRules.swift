import PoiseModel

/// The rules of hwloc's tree that its import takes for granted, checked object by object.
///
/// hwloc 2.9 crashes, or never returns, on a tree without a set that it expects, on a PU without a
/// number, or on sets that contradict each other. These are the rules that its own export always
/// keeps: every object that computes or remembers has its four sets, a PU's and a node's set is
/// just its own number, a child lies within its parent and beside its siblings, and each family of
/// objects stands where it may.
struct TopologyRules {
    /// Attributes by name, as they stand in a tag.
    typealias Attributes = [String: String]

    private enum Family { case normal, memory, device, misc }

    private struct Open {
        var type: String
        var family: Family
        var pus: CPUSet
        var nodes: NodeSet
        /// The PUs of the children so far.
        var taken = CPUSet()
        var children = 0
    }

    /// hwloc looks through the objects beside a new one: 100,000 of them take it minutes.
    private static let siblingLimit = 8192

    private static let families: [String: Family] = [
        "Machine": .normal, "Package": .normal, "Die": .normal, "Group": .normal, "Core": .normal,
        "PU": .normal, "L1Cache": .normal, "L2Cache": .normal, "L3Cache": .normal,
        "L4Cache": .normal, "L5Cache": .normal, "L1iCache": .normal, "L2iCache": .normal,
        "L3iCache": .normal, "NUMANode": .memory, "MemCache": .memory, "Bridge": .device,
        "PCIDev": .device, "OSDev": .device, "Misc": .misc,
    ]

    private var open: [Open] = []
    private var hasMachine = false
    private var ids: Set<String> = []
    private var pus = CPUSet()
    private var nodes = NodeSet()

    /// Checks an object whose tag begins; what is wrong with it, or nil.
    mutating func enter(_ attributes: Attributes) -> String? {
        guard let type = attributes["type"], let family = TopologyRules.families[type] else {
            return "an object is of no type that hwloc has"
        }
        guard let id = attributes["gp_index"], UInt64(id) != nil, ids.insert(id).inserted else {
            return "\(type) has no gp_index of its own"
        }
        if let parent = open.last {
            if let mistake = place(type, family, in: parent) { return mistake }
            open[open.count - 1].children += 1
            guard parent.children < TopologyRules.siblingLimit else {
                return "\(parent.type) has more than \(TopologyRules.siblingLimit) objects in it"
            }
        } else if type != "Machine" || hasMachine {
            return "the tree does not begin with one Machine"
        }
        hasMachine = true
        var object = Open(type: type, family: family, pus: [], nodes: [])
        if family == .normal || family == .memory {
            if let mistake = measure(&object, attributes) { return mistake }
        }
        open.append(object)
        return nil
    }

    /// The object whose tag began last ends.
    mutating func leave() { _ = open.popLast() }

    private func place(_ type: String, _ family: Family, in parent: Open) -> String? {
        let fits: Bool =
            switch family {
            case .normal: parent.family == .normal && parent.type != "PU" && type != "Machine"
            case .memory:
                (parent.family == .normal && parent.type != "PU") || parent.type == "MemCache"
            case .device:
                (parent.family == .normal && parent.type != "PU")
                    || (parent.family == .device && parent.type != "OSDev")
            case .misc: true
            }
        return fits ? nil : "\(type) cannot be in \(parent.type)"
    }

    private mutating func measure(_ object: inout Open, _ attributes: Attributes) -> String? {
        func set<Kind>(_ name: String, _: Kind.Type) -> IndexSet<Kind>? {
            attributes[name].flatMap { IndexSet<Kind>(hwloc: $0) }
        }
        guard let own = set("cpuset", PUIndex.self),
            let complete = set("complete_cpuset", PUIndex.self),
            let near = set("nodeset", NodeIndex.self),
            let completeNear = set("complete_nodeset", NodeIndex.self),
            own.isSubset(of: complete), near.isSubset(of: completeNear)
        else { return "\(object.type) lacks one of its four sets, or one is none" }
        object.pus = complete
        object.nodes = completeNear
        if object.type == "Machine" {
            for name in ["allowed_cpuset", "allowed_nodeset"] {
                guard let text = attributes[name] else { return "Machine has no \(name)" }
                if CPUSet(hwloc: text) == nil { return "\(name) of Machine is no set" }
            }
        }
        if let parent = open.last, !complete.isSubset(of: parent.pus) {
            return "\(object.type) has PUs that \(parent.type) around it does not have"
        }
        if object.family == .normal, let parent = open.indices.last {
            guard complete.isDisjoint(with: open[parent].taken) else {
                return "\(object.type) has PUs that another object beside it has"
            }
            open[parent].taken.formUnion(complete)
        }
        return number(object, attributes)
    }

    /// PUs and nodes have a number of their own, which is all that their set holds.
    private mutating func number(_ object: Open, _ attributes: Attributes) -> String? {
        guard object.type == "PU" || object.type == "NUMANode" else { return nil }
        guard let text = attributes["os_index"], let index = Int(text), index >= 0,
            index <= CPUSet.largestIndex
        else { return "\(object.type) has no os_index" }
        if object.type == "PU" {
            guard object.pus == [index], !pus.contains(index) else {
                return "PU \(index) is not just itself, or is there twice"
            }
            pus.insert(index)
        } else {
            guard object.nodes == [index], !nodes.contains(index) else {
                return "NUMANode \(index) is not just itself, or is there twice"
            }
            nodes.insert(index)
        }
        return nil
    }
}

extension IndexSet {
    /// Reads hwloc's form, 32-bit words from the highest on: `0x3`, `0x1,,0xff`; nil when it is
    /// none, when it has no end (`0xf...f`), or when it is beyond any machine.
    init?(hwloc text: String) {
        let fields = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count <= IndexSet.largestIndex / 32, !text.isEmpty else { return nil }
        var words = [UInt64](repeating: 0, count: (fields.count + 1) / 2)
        for (index, field) in fields.reversed().enumerated() where !field.isEmpty {
            guard field.count <= 10, field.count > 2, field.starts(with: "0x".utf8),
                let word = UInt32(String(decoding: field.dropFirst(2), as: UTF8.self), radix: 16)
            else { return nil }
            words[index / 2] |= UInt64(word) << UInt64(index % 2 * 32)
        }
        self.init(words: words)
    }
}

package import PoiseLinux
package import PoiseModel

/// A control tree in memory that takes and refuses as the kernel does, and refuses what a test
/// wants it to.
package final class ModelControlFiles: ControlFiles {
    /// All of it, to be compared and put back.
    package struct State: Equatable {
        /// What is not as in a new group.
        package var groups: [FeatureID: [ControlFile: String]] = [:]
        package var populated: Set<FeatureID> = []
    }

    package var state = State()
    /// The same as `state`, for the rules.
    package private(set) var present: [FeatureID: TransitionRules.Present] = [:]
    /// CPUs that there are, by the kernel's numbers.
    package var possible: CPUSet
    package var nodes: NodeSet = [0, 1]
    /// Block devices, `MAJOR:MINOR`.
    package var devices: Set<String> = ["8:0"]
    /// Whether the root is a valid partition root.
    package var isPartitionRoot = true
    /// Which operations (from 1) are refused, and with what.
    package var faults: [Int: Errno] = [:]
    /// Called after every operation that changed something; nil for a group made or removed.
    package var onChange: ((FeatureID, ControlFile?) -> Void)?
    /// How many operations were asked for.
    package private(set) var operations = 0

    private var parsedTexts: [String: CPUSet] = [:]

    package init(possible: CPUSet) { self.possible = possible }

    /// Begins with these groups; those in `empty` have no processes.
    package func begin(_ groups: [FeatureID: ControlGroup], empty: Set<FeatureID> = []) {
        state = State()
        operations = 0
        for (feature, group) in groups {
            var files: [ControlFile: String] = [.cpusetCPUs: group.cpus.description]
            for (key, value) in group.values { files[key.file] = value }
            if files[.cpuIdle] == "1" { files[.cpuWeight] = "0" }
            state.groups[feature] = files.filter { $0.value != $0.key.standard }
        }
        state.populated = Set(groups.keys).subtracting(empty)
        present = groups.mapValues(TransitionRules.Present.init)
    }

    /// Goes back to an earlier state.
    package func begin(_ state: State, _ present: [FeatureID: TransitionRules.Present]) {
        self.state = state
        self.present = present
        operations = 0
    }

    /// The value of a file as it would be read.
    package func value(_ feature: FeatureID, _ file: ControlFile) -> String? {
        state.groups[feature].map { $0[file] ?? file.standard }
    }

    private func count(_ call: String, _ subject: String) throws(SystemError) {
        operations += 1
        if let errno = faults[operations] { throw SystemError(call, on: subject, errno) }
    }

    package func make(_ feature: FeatureID) throws(SystemError) {
        try count("mkdir", feature.name)
        if state.groups[feature] != nil { throw SystemError("mkdir", on: feature.name, .exists) }
        state.groups[feature] = [:]
        present[feature] = TransitionRules.Present(ControlGroup())
        onChange?(feature, nil)
    }

    package func remove(_ feature: FeatureID) throws(SystemError) {
        try count("rmdir", feature.name)
        if state.groups[feature] == nil {
            throw SystemError("rmdir", on: feature.name, .noSuchFile)
        }
        if state.populated.contains(feature) {
            throw SystemError("rmdir", on: feature.name, Errno(16))
        }
        state.groups[feature] = nil
        present[feature] = nil
        onChange?(feature, nil)
    }

    package func read(_ feature: FeatureID, _ file: ControlFile) throws(SystemError) -> String {
        guard let value = value(feature, file) else {
            throw SystemError("open", on: "\(feature)/\(file.rawValue)", .noSuchFile)
        }
        if file == .ioMax { return value == file.standard ? "" : "8:0 \(value)\n" }
        return value + "\n"
    }

    package func write(
        _ feature: FeatureID, _ file: ControlFile, _ text: String
    ) throws(SystemError) {
        try count("write", "\(feature)/\(file.rawValue)")
        guard state.groups[feature] != nil else {
            throw SystemError("open", on: "\(feature)/\(file.rawValue)", .noSuchFile)
        }
        let value: String
        do throws(Errno) {
            value = try taken(feature, file, text)
        } catch {
            throw SystemError("write", on: "\(feature)/\(file.rawValue)", error)
        }
        state.groups[feature]?[file] = value == file.standard ? nil : value
        if file == .cpusetCPUs {
            present[feature]?.cpus = TransitionRules.mask(parsed(value) ?? [])
        } else {
            present[feature]?.values[ControlKey(file)] = value
        }
        onChange?(feature, file)
    }

    /// What the kernel makes of a text, or the error that it gives.
    private func taken(
        _ feature: FeatureID, _ file: ControlFile, _ text: String
    ) throws(Errno) -> String {
        switch file {
        case .cpusetCPUs: return try takenCPUs(feature, text)
        case .cpusetMems:
            guard let nodes = NodeSet(text), nodes.isSubset(of: self.nodes) else { throw .invalid }
            if nodes.isEmpty, state.populated.contains(feature) { throw .noSpace }
            return nodes.description
        case .cpusetPartition: return try takenPartition(feature, text)
        case .cpuIdle:
            guard text == "0" || text == "1" else { throw .invalid }
            state.groups[feature]?[.cpuWeight] = text == "0" ? nil : "0"
            present[feature]?.values[ControlKey(.cpuWeight)] = text == "0" ? "100" : "0"
            return text
        case .cpuWeight:
            if value(feature, .cpuIdle) == "1" { throw .invalid }
            guard let weight = Int(text), (1...10_000).contains(weight) else { throw Errno(34) }
            return text
        case .ioMax:
            let words = text.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { throw .invalid }
            guard devices.contains(words[0]) else { throw Errno(19) }
            return words[1]
        case .cpuMax, .memoryMin, .memoryLow, .memoryHigh, .memoryMax, .memorySwapMax, .ioWeight,
            .pidsMax, .hugetlb2MBMax, .hugetlb1GBMax:
            return ControlText.normal(text, of: file)
        }
    }

    private func takenCPUs(_ feature: FeatureID, _ text: String) throws(Errno) -> String {
        guard let cpus = parsed(text), cpus.isSubset(of: possible) else { throw .invalid }
        if cpus.isEmpty, state.populated.contains(feature) { throw .noSpace }
        let wanted = TransitionRules.mask(cpus)
        for (other, theirs) in present where other != feature && theirs.cpus & wanted != 0 {
            if isPartition(other) || isPartition(feature) { throw .invalid }
        }
        return text
    }

    /// Texts come again and again.
    private func parsed(_ text: String) -> CPUSet? {
        if let known = parsedTexts[text] { return known }
        let cpus = CPUSet(text)
        parsedTexts[text] = cpus
        return cpus
    }

    private func isPartition(_ feature: FeatureID) -> Bool {
        let kind = state.groups[feature]?[.cpusetPartition]
        return kind == "root" || kind == "isolated"
    }

    private func takenPartition(_ feature: FeatureID, _ text: String) throws(Errno) -> String {
        guard ["member", "root", "isolated"].contains(text) else { throw .invalid }
        if text == "member" { return text }
        if !isPartitionRoot { return "\(text) invalid (Parent is not a partition root)" }
        let cpus = CPUSet(value(feature, .cpusetCPUs) ?? "") ?? []
        if cpus.isEmpty { return "\(text) invalid (cpuset.cpus is empty)" }
        for (other, files) in state.groups where other != feature {
            if !(CPUSet(files[.cpusetCPUs] ?? "") ?? []).isDisjoint(with: cpus) {
                return "\(text) invalid (Cpu list in cpuset.cpus not exclusive)"
            }
        }
        return text
    }
}

import PoiseModel

/// How amounts, classes and names are said on one machine.
struct Phrasing {
    /// On a machine with one kind of core nobody says which.
    private let hasOneClass: Bool
    let machine: Machine

    init(_ machine: Machine) {
        self.machine = machine
        hasOneClass = machine.classes.count == 1
    }

    /// `3 performance cores`, `1 core`, `half a core`, `0.2 of an efficiency core`.
    func cores(
        _ millicores: Int, _ coreClass: CoreClass?, alwaysNamed: Bool = false
    ) -> String {
        let isNamed = alwaysNamed && coreClass != nil
        let name = isNamed ? coreClass.map { Phrasing.word($0) + " " } ?? "" : name(coreClass)
        switch millicores {
        case 0: return "no \(name)core"
        case 500: return "half \(name.isEmpty ? "a" : article(name)) \(name)core"
        case ..<1000: return "\(number(millicores)) of \(article(name)) \(name)core"
        case 1000: return "1 \(name)core"
        default: return "\(number(millicores)) \(name)cores"
        }
    }

    func number(_ millicores: Int) -> String { QuantityText.cores(millicores) }

    /// `none` for nothing, where the noun has just been said.
    func none(_ millicores: Int) -> String { millicores == 0 ? "none" : number(millicores) }

    /// `performance ` or nothing.
    func name(_ coreClass: CoreClass?) -> String {
        guard let coreClass, !hasOneClass || !machine.classes.contains(coreClass) else { return "" }
        return Phrasing.word(coreClass) + " "
    }

    static func word(_ coreClass: CoreClass) -> String {
        coreClass == .lowPower ? "low-power" : coreClass.rawValue
    }

    private func article(_ name: String) -> String {
        name.hasPrefix("e") ? "an" : "a"
    }

    func amount(_ resource: Unmet.Resource, _ amount: Int) -> String {
        switch resource {
        case .cores(let coreClass): cores(amount, coreClass)
        case .memory: "\(QuantityText.bytes(amount)) of memory"
        case .gpu: "\(QuantityText.bytes(amount)) of GPU memory"
        case .npu: "\(amount) % of an NPU"
        }
    }

    /// An amount without its noun, where the noun has just been said.
    func bare(_ resource: Unmet.Resource, _ amount: Int) -> String {
        switch resource {
        case .cores: none(amount)
        case .memory, .gpu: QuantityText.bytes(amount)
        case .npu: "\(amount) %"
        }
    }

    func cpus(_ cpus: CPUSet) -> String { "CPU\(cpus.count == 1 ? "" : "s") \(cpus)" }

    /// `a`, `a and b`, `a, b and c`.
    static func list(_ parts: [String], _ word: String = "and") -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " \(word) \(last)"
    }

    /// `twin's`, `agents'`.
    static func possessive(_ feature: FeatureID) -> String {
        feature.name.hasSuffix("s") ? "\(feature)'" : "\(feature)'s"
    }
}

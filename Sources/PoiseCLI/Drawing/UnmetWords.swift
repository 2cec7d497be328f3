import PoiseModel

/// Says an unmet wish of a plan document in few words.
enum UnmetWords {
    /// `E 6/8`, `mem 2 GiB/4 GiB`, for a table.
    static func shortest(_ unmet: JSON) -> String {
        let resource = unmet["resource"]?.string ?? "?"
        let number = { (value: JSON?) in
            value?.number.map { QuantityText.decimal($0, digits: 3) } ?? "?"
        }
        let bytes = { (value: JSON?) in value?.integer.map(QuantityText.bytes) ?? "?" }
        let (got, wanted) = (unmet["got"], unmet["wanted"])
        switch resource {
        case "memory", "gpu.memory":
            return "\(resource == "memory" ? "mem" : "gpu") \(bytes(got))/\(bytes(wanted))"
        case "npu.share": return "npu \(number(got))/\(number(wanted)) %"
        default:
            let coreClass = CoreClass(rawValue: String(resource.dropFirst(6)))
            return "\(coreClass?.letter ?? resource) \(number(got))/\(number(wanted))"
        }
    }

    /// `6 of 8 efficiency cores`, `2 GiB of 4 GiB memory`.
    static func short(_ unmet: JSON) -> String {
        let resource = unmet["resource"]?.string ?? "?"
        let (got, wanted) = (unmet["got"], unmet["wanted"])
        let cores = { (value: JSON?) in
            value?.number.map { QuantityText.decimal($0, digits: 3) } ?? "?"
        }
        let bytes = { (value: JSON?) in value?.integer.map(QuantityText.bytes) ?? "?" }
        switch resource {
        case "memory": return "\(bytes(got)) of \(bytes(wanted)) memory"
        case "gpu.memory": return "\(bytes(got)) of \(bytes(wanted)) GPU memory"
        case "npu.share": return "\(cores(got)) of \(cores(wanted)) % of an NPU"
        default:
            let name =
                resource.hasPrefix("cores.") ? resource.dropFirst(6) + " cores" : resource[...]
            return "\(cores(got)) of \(cores(wanted)) \(name)"
        }
    }
}

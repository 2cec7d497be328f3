import PoiseModel

/// Limits that are handed to the kernel as they stand, and what a plugin's host may do.
extension PolicyDecoder {
    mutating func limits(_ fields: Fields, _ feature: inout FeaturePolicy) {
        if let io = self.fields(of: fields["io"], known: ["weight", "max"]) {
            feature.ioWeight = integer(io["weight"], in: 1...10000)
            feature.ioLimits = ioLimits(io["max"])
        }
        if let pids = self.fields(of: fields["pids"], known: ["max"]) {
            feature.mostProcesses = integer(pids["max"], in: 1...4_194_304)
        }
        let sizes = HugePageSize.allCases.map(\.rawValue)
        if let pages = self.fields(of: fields["hugetlb"], known: sizes) {
            for size in HugePageSize.allCases {
                feature.hugePages[size] = amount(pages[size.rawValue], .memory)
            }
        }
        if let sandbox: FeaturePolicy.Sandbox = choice(fields["sandbox"]) {
            feature.sandbox = sandbox
        }
        if let files = self.fields(of: fields["files"], known: ["read", "write"]) {
            feature.files = FileAccess(read: paths(files["read"]), write: paths(files["write"]))
        }
    }

    /// A partition is made of whole cores that nobody else uses.
    mutating func partitionNeedsOwnCores(_ fields: Fields, _ feature: FeaturePolicy) {
        guard feature.partition != .member, let written = fields["partition"] else { return }
        let isShared =
            fields["sharing"]?.value.scalar?.text == FeaturePolicy.Sharing.shared.rawValue
        guard isShared || !feature.isExclusive else { return }
        mistakes.error(
            written.mark,
            "\(written.path) needs cores of the feature's own (write sharing: exclusive, and a min "
                + "of 1 or more)")
    }

    private mutating func ioLimits(_ field: Field?) -> [IOLimit] {
        guard let field, let devices = members(of: field, noun: "device") else { return [] }
        var limits: [IOLimit] = []
        for device in devices {
            guard device.key.hasPrefix("/dev/") else {
                mistakes.error(
                    device.keyMark,
                    "\(quoted(device.key)) is no block device (write a path such as /dev/vda)")
                continue
            }
            let known = ["read", "write", "readOps", "writeOps"]
            guard let fields = self.fields(of: device, known: known) else { continue }
            limits.append(
                IOLimit(
                    device: device.key, readBytes: amount(fields["read"], .memory),
                    writeBytes: amount(fields["write"], .memory),
                    readOperations: integer(fields["readOps"], in: 1...(1 << 40)),
                    writeOperations: integer(fields["writeOps"], in: 1...(1 << 40))))
        }
        return limits.sorted { $0.device < $1.device }
    }

    private mutating func paths(_ field: Field?) -> [String] {
        guard let field else { return [] }
        guard case .sequence(let nodes) = field.value.content else {
            wrongKind(field, "a list of absolute paths such as [/srv/data]")
            return []
        }
        var paths: [String] = []
        for (index, node) in nodes.enumerated() {
            let entry = Field(
                path: "\(field.path)[\(index)]", key: field.key, keyMark: node.mark, value: node)
            guard let path = text(entry) else { continue }
            guard path.hasPrefix("/") else {
                mistakes.error(node.mark, "\(quoted(path)) is no absolute path (begin it with /)")
                continue
            }
            paths.append(path)
        }
        return paths
    }
}

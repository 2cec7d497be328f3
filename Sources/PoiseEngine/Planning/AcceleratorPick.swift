import PoiseModel

/// Picks the GPU and the NPU of each feature, highest priority first: the one it has in force, else
/// the one with the most left, ties by bus order.
struct AcceleratorPick {
    private var gpuBytes: [String: Int?] = [:]
    private var npuPercent: [String: Int] = [:]
    private let machine: Machine

    init(machine: Machine) {
        self.machine = machine
        for device in machine.accelerators {
            switch device.kind {
            case .gpu: gpuBytes[device.id] = device.bytes
            case .npu: npuPercent[device.id] = 100
            case .other: break
            }
        }
    }

    /// What `policy` gets, and what of its wishes is not met.
    mutating func pick(
        _ policy: FeaturePolicy, inForce: [AcceleratorShare]
    ) -> (shares: [AcceleratorShare], unmet: [Unmet]) {
        var shares: [AcceleratorShare] = []
        var unmet: [Unmet] = []
        if policy.gpuBytes > 0 {
            let share = pickGPU(policy.gpuBytes, inForce: inForce)
            if let share { shares.append(share) }
            if let lack = lack(.gpu, policy.gpuBytes, share?.bytes ?? 0) { unmet.append(lack) }
        }
        if policy.npuPercent > 0 {
            let share = pickNPU(policy.npuPercent, near: shares, inForce: inForce)
            if let share { shares.append(share) }
            let got = share?.sharePercent ?? 0
            if let lack = lack(.npu, policy.npuPercent, got) { unmet.append(lack) }
        }
        return (shares, unmet)
    }

    private mutating func pickGPU(_ bytes: Int, inForce: [AcceleratorShare]) -> AcceleratorShare? {
        let best = best(.gpu, inForce, wanted: bytes, Closeness()) { device in
            // A GPU that does not tell its memory is taken to have enough of it.
            (gpuBytes[device] ?? nil) ?? .max
        }
        guard let best else { return nil }
        let left = gpuBytes[best] ?? nil
        let got = min(bytes, left ?? bytes)
        guard got > 0 else { return nil }
        gpuBytes[best] = left.map { $0 - got }
        return AcceleratorShare(id: best, bytes: got, sharePercent: nil)
    }

    private mutating func pickNPU(
        _ percent: Int, near: [AcceleratorShare], inForce: [AcceleratorShare]
    ) -> AcceleratorShare? {
        let closeness = Closeness.to(near, on: machine)
        let best = best(.npu, inForce, wanted: percent, closeness) { npuPercent[$0, default: 0] }
        guard let best else { return nil }
        let got = min(percent, npuPercent[best, default: 0])
        guard got > 0 else { return nil }
        npuPercent[best, default: 0] -= got
        return AcceleratorShare(id: best, bytes: 0, sharePercent: got)
    }

    private func best(
        _ kind: Accelerator.Kind, _ inForce: [AcceleratorShare], wanted: Int,
        _ closeness: Closeness, left: (String) -> Int?
    ) -> String? {
        var best: (id: String, score: (Int, Int, Int, Int))?
        for device in machine.accelerators where device.kind == kind {
            guard let room = left(device.id), room > 0 else { continue }
            let score = (
                inForce.contains { $0.id == device.id } ? 0 : 1, room >= wanted ? 0 : 1,
                device.node.map(closeness.cost) ?? 0, -room
            )
            if best.map({ score < $0.score }) ?? true { best = (device.id, score) }
        }
        return best?.id
    }

    private func lack(_ resource: Unmet.Resource, _ wanted: Int, _ got: Int) -> Unmet? {
        guard got < wanted else { return nil }
        let kind: Accelerator.Kind = resource == .gpu ? .gpu : .npu
        let count = machine.accelerators.count { $0.kind == kind }
        let name = kind.rawValue.uppercased()
        var because = "this machine has no \(name)"
        if count == 1 { because = "its \(name) has no more left" }
        if count > 1 { because = "none of its \(count) \(name)s has more left" }
        return Unmet(resource: resource, wanted: wanted, got: got, because: because)
    }
}

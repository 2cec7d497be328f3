import CHwloc
import PoiseModel

extension Topology {
    /// The accelerators, in the order of the bus and then of names, numbered by kind.
    borrowing func accelerators(on nodes: [NUMANode]) -> [Accelerator] {
        var evidence = deviceEvidence()
        if isThisSystem { AccelClass(root: "/").add(to: &evidence) }
        let found = evidence.compactMap { one in one.kind.map { (kind: $0, evidence: one) } }
        let ordered = found.sorted { left, right in
            switch (left.evidence.pci, right.evidence.pci) {
            case (let left?, let right?): left.address < right.address
            case (.some, nil): true
            case (nil, .some): false
            case (nil, nil): left.evidence.name < right.evidence.name
            }
        }
        var ids: [Int: Int] = [:]
        for node in nodes { ids[node.osIndex] = node.id }
        var counts: [Accelerator.Kind: Int] = [:]
        return ordered.map { kind, evidence in
            let number = counts[kind, default: 0]
            counts[kind] = number + 1
            // Two nodes around a device mean that the firmware did not say which.
            let local = evidence.nodes.compactMap { ids[$0] }.filter { nodes[$0].kind == .dram }
            return Accelerator(
                id: "\(kind.rawValue)\(number)", kind: kind,
                node: local.count == 1 ? local[0] : nil, bytes: evidence.bytes,
                name: evidence.name)
        }
    }

    /// One piece of evidence for each PCI function, and for each OS device that is on none.
    private borrowing func deviceEvidence() -> [DeviceEvidence] {
        var evidence: [DeviceEvidence] = []
        var positions: [UInt64: Int] = [:]
        for object in objects(HWLOC_OBJ_PCI_DEVICE) {
            positions[object.id] = evidence.count
            evidence.append(
                DeviceEvidence(
                    pci: object.pci, infos: object.deviceInfos, nodes: object.localNodes))
        }
        for object in objects(HWLOC_OBJ_OS_DEVICE) {
            guard let kind = object.computeDevice, let name = object.name else { continue }
            let device = ComputeDevice(
                name: name, kind: kind, subtype: object.subtype, infos: object.deviceInfos)
            if let function = object.ancestors.first(where: { $0.type == HWLOC_OBJ_PCI_DEVICE }),
                let position = positions[function.id]
            {
                evidence[position].devices.append(device)
            } else if !name.hasPrefix("render"), !name.hasPrefix("controlD") {
                // A DRM device without a bus shows a card and up to two more nodes of the same.
                evidence.append(
                    DeviceEvidence(pci: nil, devices: [device], nodes: object.localNodes))
            }
        }
        return evidence
    }
}

extension TopologyObject {
    /// The nodes of the nearest ancestor that is no device.
    fileprivate var localNodes: NodeSet { ancestors.first { !$0.nodes.isEmpty }?.nodes ?? [] }

    fileprivate var deviceInfos: [String: String] {
        let names = [
            "PoiseKind", "PoiseMemoryBytes", "GPUModel", "PCIDevice", "OpenCLDeviceName",
            "OpenCLDeviceType", "LevelZeroModel", "LevelZeroDeviceType", "CUDAGlobalMemorySize",
            "RSMIVRAMSize", "LevelZeroHBMSize", "LevelZeroMemorySize", "OpenCLGlobalMemorySize",
            "VectorEngineMemorySize", "MICMemorySize",
        ]
        var infos: [String: String] = [:]
        for name in names { infos[name] = info(name) }
        return infos
    }
}

package import PoiseModel

/// Where a device is on the PCI bus; ordered as `lspci` orders.
package struct PCIAddress: Sendable, Hashable, Comparable {
    package var domain: Int
    package var bus: Int
    package var device: Int
    package var function: Int

    package init(domain: Int, bus: Int, device: Int, function: Int) {
        self.domain = domain
        self.bus = bus
        self.device = device
        self.function = function
    }

    /// Reads the kernel's form, such as `0000:3b:00.0`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "." })
        let numbers = parts.compactMap { Int($0, radix: 16) }
        guard parts.count == 4, numbers.count == 4 else { return nil }
        self.init(
            domain: numbers[0], bus: numbers[1], device: numbers[2], function: numbers[3])
    }

    package static func < (left: PCIAddress, right: PCIAddress) -> Bool {
        (left.domain, left.bus, left.device, left.function)
            < (right.domain, right.bus, right.device, right.function)
    }
}

/// A PCI function's address, class (`0x0302` is a 3D controller) and ids.
package struct PCIFunction: Sendable, Equatable {
    package var address: PCIAddress
    package var deviceClass: Int
    package var vendor: Int
    package var device: Int

    package init(address: PCIAddress, deviceClass: Int, vendor: Int, device: Int) {
        self.address = address
        self.deviceClass = deviceClass
        self.vendor = vendor
        self.device = device
    }
}

/// A driver's view of a device: hwloc's GPU and coprocessor OS devices, `/sys/class/accel`.
package struct ComputeDevice: Sendable, Equatable {
    package enum Kind: Sendable { case gpu, coprocessor }

    package var name: String
    package var kind: Kind
    package var subtype: String?
    /// Name and value pairs, such as `CUDAGlobalMemorySize` and `33554432`.
    package var infos: [String: String]

    package init(name: String, kind: Kind, subtype: String? = nil, infos: [String: String] = [:]) {
        self.name = name
        self.kind = kind
        self.subtype = subtype
        self.infos = infos
    }
}

/// All that is known of one device before anyone has decided what it is.
///
/// A GPU is seen through several OS devices (a DRM card, CUDA, NVML, OpenCL); they hang on one
/// PCI function, which makes them one piece of evidence and one accelerator.
package struct DeviceEvidence: Sendable, Equatable {
    package var pci: PCIFunction?
    package var devices: [ComputeDevice]
    /// What hwloc says of the PCI function.
    package var infos: [String: String]
    /// The nodes that it is local to, by the kernel's numbers.
    package var nodes: NodeSet

    package init(
        pci: PCIFunction?, devices: [ComputeDevice] = [], infos: [String: String] = [:],
        nodes: NodeSet = []
    ) {
        self.pci = pci
        self.devices = devices
        self.infos = infos
        self.nodes = nodes
    }

    /// What the device is, or nil when it is no accelerator.
    ///
    /// The surest word first: our own mark in a profile, then what the driver calls the device,
    /// then its PCI class.
    package var kind: Accelerator.Kind? {
        if let mark = info("PoiseKind") { return Accelerator.Kind(rawValue: mark) }
        if isDisplayOnly { return nil }
        let views = devices.compactMap(\.acceleratorKind)
        for kind in [Accelerator.Kind.npu, .gpu, .other] where views.contains(kind) { return kind }
        guard let pci else { return nil }
        if pci.deviceClass >> 8 == 0x03 { return .gpu }
        if DeviceEvidence.npuIDs.contains([pci.vendor, pci.device]) { return .npu }
        guard pci.deviceClass >> 8 == 0x12 else { return nil }
        // Processing accelerators: Gaudi and Intel's NPU, but also AMD's Instinct and FPGA cards.
        if [0x1002, 0x10DE].contains(pci.vendor) { return .gpu }
        return [0x10EE, 0x1172].contains(pci.vendor) ? .other : .npu
    }

    /// AMD's XDNA NPU calls itself a signal processing controller (class 0x1180).
    private static let npuIDs: Set<[Int]> = [[0x1022, 0x1502], [0x1022, 0x17F0]]

    /// Whether this is a display adapter that shows a console and computes nothing.
    ///
    /// Management controllers of servers have one, and virtual machines: Matrox, ASPEED, XGI,
    /// Silicon Motion, Huawei's Hi1710; Cirrus, Bochs, QXL, VMware, virtio and Hyper-V. Only as
    /// display controllers: Huawei makes NPUs too.
    private var isDisplayOnly: Bool {
        guard let pci, pci.deviceClass >> 8 == 0x03 else { return false }
        return [
            0x102B, 0x1A03, 0x18CA, 0x126F, 0x19E5, 0x1013, 0x1234, 0x1B36, 0x15AD, 0x1AF4, 0x1414,
        ].contains(pci.vendor)
    }

    /// Its own memory; nil when no driver tells.
    package var bytes: Int? {
        let kibibytes = [
            "CUDAGlobalMemorySize", "RSMIVRAMSize", "LevelZeroHBMSize", "LevelZeroMemorySize",
            "OpenCLGlobalMemorySize", "VectorEngineMemorySize", "MICMemorySize",
        ]
        if let bytes = info("PoiseMemoryBytes").flatMap({ Int($0) }), bytes > 0 { return bytes }
        for name in kibibytes {
            guard let text = info(name), let amount = Int(text), amount > 0, amount < 1 << 52
            else { continue }
            return amount << 10
        }
        return nil
    }

    /// The model's name, or the bus ids, or the driver's name.
    package var name: String {
        for key in ["GPUModel", "OpenCLDeviceName", "LevelZeroModel", "PCIDevice"] {
            if let name = info(key), !name.isEmpty { return name }
        }
        guard let pci else { return devices.first?.name ?? "unknown" }
        return "PCI \(hex(pci.vendor)):\(hex(pci.device))"
    }

    private func hex(_ id: Int) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }

    private func info(_ name: String) -> String? {
        infos[name] ?? devices.lazy.compactMap { $0.infos[name] }.first
    }
}

extension ComputeDevice {
    /// What this view of the device makes of it; nil when it is no accelerator.
    var acceleratorKind: Accelerator.Kind? {
        let types = ["OpenCLDeviceType", "LevelZeroDeviceType"].compactMap { infos[$0] }
        // OpenCL on the processor itself, such as pocl.
        if types.contains("CPU") { return nil }
        if types.contains("VPU") || types.contains("NPU") { return .npu }
        if name.hasPrefix("accel") || subtype == "NPU" || subtype == "VPU" { return .npu }
        if kind == .gpu || types.contains("GPU") { return .gpu }
        let gpuMarks = ["cuda", "nvml", "rsmi"]
        if gpuMarks.contains(where: { name.hasPrefix($0) || subtype?.lowercased() == $0 }) {
            return .gpu
        }
        return types.isEmpty && name.hasPrefix("ze") ? .gpu : .other
    }
}

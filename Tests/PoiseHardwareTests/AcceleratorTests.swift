import PoiseHardware
import PoiseModel
import Testing

struct DeviceCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var evidence: DeviceEvidence
    /// `gpu`, `npu`, `other`, or `none`.
    var kind: String
    var bytes: Int?

    init(
        _ name: String, pci: (Int, Int, Int)? = nil, seenAs devices: [ComputeDevice] = [],
        is kind: String, bytes: Int? = nil
    ) {
        testDescription = name
        let address = PCIAddress(domain: 0, bus: 1, device: 0, function: 0)
        evidence = DeviceEvidence(
            pci: pci.map {
                PCIFunction(address: address, deviceClass: $0.0, vendor: $0.1, device: $0.2)
            }, devices: devices)
        self.kind = kind
        self.bytes = bytes
    }
}

private func coprocessor(
    _ name: String, _ subtype: String? = nil, _ infos: [String: String] = [:]
) -> ComputeDevice {
    ComputeDevice(name: name, kind: .coprocessor, subtype: subtype, infos: infos)
}

private let card = ComputeDevice(name: "card0", kind: .gpu)

private let deviceCases = [
    DeviceCase("a 3D controller", pci: (0x0302, 0x10DE, 0x2331), is: "gpu"),
    DeviceCase(
        "one GPU through three drivers", pci: (0x0302, 0x10DE, 0x2331),
        seenAs: [
            card, coprocessor("cuda0", "CUDA", ["CUDAGlobalMemorySize": "83516416"]),
            ComputeDevice(name: "nvml0", kind: .gpu, subtype: "NVML"),
        ], is: "gpu", bytes: 83_516_416 << 10),
    DeviceCase("a Matrox adapter", pci: (0x0300, 0x102B, 0x0532), is: "none"),
    DeviceCase(
        "an ASPEED adapter with a DRM card", pci: (0x0300, 0x1A03, 0x2000), seenAs: [card],
        is: "none"),
    DeviceCase("QEMU's adapter", pci: (0x0300, 0x1234, 0x1111), is: "none"),
    DeviceCase("Gaudi", pci: (0x1200, 0x1DA3, 0x1020), is: "npu"),
    DeviceCase(
        "Intel's NPU", pci: (0x1200, 0x8086, 0x7D1D), seenAs: [coprocessor("accel0")], is: "npu"),
    DeviceCase("AMD's Instinct", pci: (0x1200, 0x1002, 0x74A1), seenAs: [card], is: "gpu"),
    DeviceCase("AMD's Instinct without driver", pci: (0x1200, 0x1002, 0x74A1), is: "gpu"),
    DeviceCase("AMD's NPU of a class of its own", pci: (0x1180, 0x1022, 0x17F0), is: "npu"),
    DeviceCase("an Ascend NPU", pci: (0x1200, 0x19E5, 0xD802), is: "npu"),
    DeviceCase("an FPGA card", pci: (0x1200, 0x10EE, 0x5000), is: "other"),
    DeviceCase("a network card", pci: (0x0200, 0x8086, 0x1572), is: "none"),
    DeviceCase(
        "OpenCL on the processor",
        seenAs: [coprocessor("opencl0d0", "OpenCL", ["OpenCLDeviceType": "CPU"])],
        is: "none"),
    DeviceCase(
        "Level Zero's NPU",
        seenAs: [coprocessor("ze0", "LevelZero", ["LevelZeroDeviceType": "VPU"])],
        is: "npu"),
    DeviceCase(
        "a vector engine", pci: (0x0B40, 0x1BCF, 0x001C),
        seenAs: [coprocessor("ve0", "VectorEngine")],
        is: "other"),
    DeviceCase(
        "an absurd size is no size",
        seenAs: [coprocessor("cuda0", "CUDA", ["CUDAGlobalMemorySize": "9223372036854775807"])],
        is: "gpu"),
]

@Test("a device is what its driver and its class say", arguments: deviceCases)
func devicesAreTold(_ one: DeviceCase) {
    #expect((one.evidence.kind?.rawValue ?? "none") == one.kind)
    #expect(one.evidence.bytes == one.bytes)
}

@Test func pciAddressesReadAndOrderAsTheKernelWritesThem() throws {
    let high = try #require(PCIAddress("0001:00:02.0"))
    let low = try #require(PCIAddress("0000:c2:00.1"))
    #expect(low < high && low.description == "0000:c2:00.1")
    #expect(PCIAddress("platform-npu") == nil)
}

import PoiseModel

/// The kernel's compute accelerators, which hwloc of today does not read (`/sys/class/accel`).
struct AccelClass {
    /// The folder to read in place of `/`.
    var root: String

    /// Adds what the kernel knows to `evidence`: to the PCI function that a device is on, or as a
    /// device of its own; and the memory of AMD's GPUs, which only their driver tells.
    func add(to evidence: inout [DeviceEvidence]) {
        let folder = "\(root)/sys/class/accel"
        for name in Files.names(in: folder) ?? [] where name.hasPrefix("accel") {
            let device = ComputeDevice(name: name, kind: .coprocessor)
            let link = Files.target(ofLink: "\(folder)/\(name)/device")
            let address = link?.split(separator: "/").last.flatMap { PCIAddress($0) }
            let position = evidence.firstIndex { $0.pci?.address == address && address != nil }
            if let position {
                evidence[position].devices.append(device)
            } else {
                let node = number("\(folder)/\(name)/device/numa_node")
                let pci = address.map { address in
                    PCIFunction(
                        address: address, deviceClass: 0x1200,
                        vendor: number("\(folder)/\(name)/device/vendor") ?? 0,
                        device: number("\(folder)/\(name)/device/device") ?? 0)
                }
                evidence.append(
                    DeviceEvidence(
                        pci: pci, devices: [device], nodes: node.map { [$0] } ?? []))
            }
        }
        for index in evidence.indices where evidence[index].pci?.vendor == 0x1002 {
            guard let name = evidence[index].pci?.address.description else { continue }
            let file = "\(root)/sys/bus/pci/devices/\(name)/mem_info_vram_total"
            guard let bytes = number(file), bytes > 0 else { continue }
            evidence[index].infos["PoiseMemoryBytes"] = "\(bytes)"
        }
    }

    /// A number in a file, decimal or with `0x`; nil when it is none or below 0.
    private func number(_ path: String) -> Int? {
        guard let text = Files.text(path) else { return nil }
        let value = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
        return value.flatMap { $0 >= 0 ? $0 : nil }
    }
}

extension PCIAddress: CustomStringConvertible {
    /// The kernel's form, such as `0000:3b:00.0`.
    package var description: String {
        func hex(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: max(width - digits.count, 0)) + digits
        }
        return "\(hex(domain, 4)):\(hex(bus, 2)):\(hex(device, 2)).\(hex(function, 1))"
    }
}

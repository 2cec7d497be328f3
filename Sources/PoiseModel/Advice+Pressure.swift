// Pressure stall information, of the machine and of single cgroups.
extension HostCapabilities {
    var pressureAdvice: Advice? {
        guard let pressure else { return nil }
        let lacking = ["cpu", "io", "memory"].filter { !pressure.contains($0) }
        guard !lacking.isEmpty else { return nil }
        return Advice(
            "pressure", missing: "pressure stall information of \(lacking.joined(separator: ", "))",
            cost: "service levels cannot follow the pressure on the machine",
            command: pressureCommand)
    }

    private var pressureCommand: String {
        if isPressureBuilt == false { return "boot a kernel that was built with CONFIG_PSI=y" }
        if let argument = kernelArguments?.first(where: { $0 == "psi=0" }) {
            return removing(kernelArgument: argument)
        }
        return adding(kernelArgument: "psi=1")
    }

    var cgroupPressureAdvice: Advice? {
        guard let subtree, subtree.measuresPressure == false, pressure?.isEmpty == false
        else { return nil }
        let hidden = kernelArguments?.first { $0.hasPrefix("cgroup_disable=") }
        let isHidden = hidden?.dropFirst(15).split(separator: ",").contains("pressure") ?? false
        let switchedOff = subtree.files?.contains("cgroup.pressure") == true
        return Advice(
            "pressure", missing: "pressure stall information of cgroups (\(subtree.folder))",
            cost: "nobody sees which feature the pressure on the machine comes from",
            command: isHidden
                ? hidden.map(removing(kernelArgument:))
                : switchedOff
                    ? echo("1", into: "\(subtree.folder)/cgroup.pressure")
                    : "boot Linux 6.1 or newer")
    }
}

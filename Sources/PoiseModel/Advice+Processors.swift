// CPUs that are off, kept apart, or slow.
extension HostCapabilities {
    var processorAdvice: [Advice?] {
        [smtAdvice, offlineAdvice, isolationAdvice, ticklessAdvice, governorAdvice]
    }

    private var smtAdvice: Advice? {
        guard smt == .off || smt == .forceoff else { return nil }
        let force = ["nosmt=force", "mitigations=auto,nosmt"].first { word in
            kernelArguments?.contains(word) == true
        }
        let command =
            smt == .off
            ? echo("on", into: "/sys/devices/system/cpu/smt/control")
            : force.map(removing(kernelArgument:))
        return Advice(
            "smt", missing: "the second threads of the cores, which are switched off",
            cost: "fewer PUs; some operators want that", command: command)
    }

    private var offlineAdvice: Advice? {
        // Without SMT the siblings are offline as well, which is told already.
        guard smt != .off, smt != .forceoff, let present = processors.present,
            let online = processors.online
        else { return nil }
        let offline = present.subtracting(online)
        guard !offline.isEmpty else { return nil }
        let files = offline.map { "/sys/devices/system/cpu/cpu\($0)/online" }
        return Advice(
            "offline", missing: "the CPUs \(offline), which are offline",
            cost: "features are given the others only",
            command: echo("1", into: files.joined(separator: " ")))
    }

    private var isolationAdvice: Advice? {
        guard let isolated = processors.isolated, !isolated.isEmpty else { return nil }
        let argument = kernelArgument("isolcpus=")
        return Advice(
            "isolation",
            missing: "load balancing on the CPUs \(isolated)"
                + (argument.map { ", which \($0) takes away" } ?? ""),
            cost: "the threads of a feature that is given them stay on the first of them",
            command: argument.map(removing(kernelArgument:)))
    }

    private var ticklessAdvice: Advice? {
        guard let tickless = processors.tickless, !tickless.isEmpty else { return nil }
        return Advice(
            "isolation", .note, missing: "the clock tick on the CPUs \(tickless) (nohz_full)",
            cost: "good for cores of a feature's own, dear for cores that features share",
            command: kernelArgument("nohz_full=").map(removing(kernelArgument:)))
    }

    /// With intel_pstate and amd-pstate-epp `powersave` is the ordinary governor, which follows the
    /// load as the preference says; with all others it keeps the lowest clock.
    private var governorAdvice: Advice? {
        let followers = ["intel_pstate", "amd-pstate-epp"]
        let all = "/sys/devices/system/cpu/cpufreq/policy*"
        for governor in processors.governors ?? [] where governor.name == "powersave" {
            if followers.contains(governor.driver) {
                guard governor.preference == "power" else { continue }
                return Advice(
                    "governor", .note,
                    missing: "a clock that rises at once (the preference is power)",
                    cost: "short work takes longer; laptops may want that",
                    command: echo(
                        "balance_performance", into: "\(all)/energy_performance_preference"))
            }
            let better = governor.available.contains("schedutil") ? "schedutil" : "performance"
            return Advice(
                "governor",
                missing: "a clock that follows the load (the governor is powersave)",
                cost: "every core runs at its lowest clock",
                command: echo(better, into: "\(all)/scaling_governor"))
        }
        return nil
    }
}

import PoiseModel
import PoiseWire

/// What was read of a host, as members of a JSON object; null is not known.
enum DoctorFacts {
    static func all(_ host: HostCapabilities) -> [JSON.Member] {
        [
            .init("kernel", JSON(host.kernelRelease)),
            .init("kernelArguments", list(host.kernelArguments)),
            .init("smt", JSON(host.smt?.rawValue)),
            .init("lowestNice", JSON(host.lowestNice)),
            .init("highestRealtimePriority", JSON(host.highestRealtimePriority)),
            .init("hasSysNice", flag(host.hasSysNice)), .init("isRoot", flag(host.isRoot)),
            .init("hasSystemd", flag(host.hasSystemd)), .init("systemd", systemd(host.systemd)),
            .init("pressure", list(host.pressure)),
            .init("processors", processors(host.processors)),
            .init("securityModules", list(host.confinement.modules)),
            .init("hasSeccomp", flag(host.confinement.hasSeccomp)),
            .init("traceScope", JSON(host.confinement.traceScope)),
            .init("openFiles", limit(host.openFiles)),
            .init("lockedBytes", limit(host.lockedBytes)),
            .init("swapBytes", JSON(host.swapBytes)), .init("hugePages", JSON(host.hugePages)),
            .init("blockDevices", blockDevices(host.blockDevices)),
            .init("neighbours", list(host.neighbours)),
        ] + cgroups(host)
    }

    private static func cgroups(_ host: HostCapabilities) -> [JSON.Member] {
        [
            .init("cgroups", JSON(host.cgroups?.rawValue)),
            .init("cgroupMount", JSON(host.cgroupMount)),
            .init("cgroup", JSON(host.cgroupFolder)),
            .init("subtree", JSON(host.subtree?.folder)),
            .init("subtreeOrigin", JSON(host.subtree?.origin.rawValue)),
            .init("isDelegated", flag(host.isDelegated)),
            .init("controllers", list(host.controllers)),
            .init("kernelControllers", list(host.kernelControllers)),
            .init("legacyControllers", list(host.legacyControllers)),
            .init("controlFiles", list(host.subtree?.files?.sorted())),
            .init(
                "heldCPUs",
                .object(
                    host.heldCPUs.sorted { $0.key < $1.key }.map {
                        .init($0.key, .string($0.value.description))
                    })),
        ]
    }

    private static func systemd(_ state: SystemdState?) -> JSON {
        guard let state else { return .null }
        return [
            "version": JSON(state.version), "isInstalled": .bool(state.isInstalled),
            "isEnabled": .bool(state.isEnabled), "isRunning": flag(state.isRunning),
        ]
    }

    private static func processors(_ state: ProcessorState) -> JSON {
        let governors = state.governors.map { list in
            JSON.array(
                list.map { governor in
                    [
                        "name": .string(governor.name), "driver": .string(governor.driver),
                        "preference": JSON(governor.preference),
                    ]
                })
        }
        return [
            "present": JSON(state.present?.description), "online": JSON(state.online?.description),
            "isolated": JSON(state.isolated?.description),
            "tickless": JSON(state.tickless?.description), "governors": governors ?? .null,
        ]
    }

    private static func blockDevices(_ devices: [BlockDeviceState]?) -> JSON {
        guard let devices else { return .null }
        return .array(
            devices.map { device in
                [
                    "name": .string(device.name), "number": .string(device.number),
                    "scheduler": .string(device.scheduler),
                    "hasCostModel": .bool(device.hasCostModel),
                ]
            })
    }

    private static func list(_ words: [String]?) -> JSON {
        words.map { .array($0.map(JSON.string)) } ?? .null
    }

    private static func flag(_ value: Bool?) -> JSON { value.map(JSON.bool) ?? .null }

    /// No limit is null too, as in a policy.
    private static func limit(_ value: Int?) -> JSON { JSON(value == .max ? nil : value) }
}

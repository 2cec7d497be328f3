/// Something that this host lacks, and how to get it.
package struct Advice: Sendable, Equatable {
    /// What the lack comes to.
    package enum Weight: String, Sendable, CaseIterable {
        /// A line of a budget is not held: `poise doctor` ends with 1.
        case enforcement
        /// Poise does its work with less.
        case less
        /// Nothing is wrong, but it is good to know.
        case note
    }

    /// One word for scripts: a controller's name (`cpuset`, …), or `cgroup2` `delegation`
    /// `controlFiles` `pressure` `smt` `offline` `nice` `accounts` `systemd` `unit` `confinement`
    /// `trace` `openFiles` `lockedMemory` `swap` `isolation` `governor` `neighbour`.
    package var topic: String
    package var weight: Weight
    package var missing: String
    /// What Poise cannot do because of it.
    package var cost: String
    /// What mends it: a line for a shell, or where no program does it, words; nil when
    /// nothing mends it on this host.
    package var command: String?

    package init(
        _ topic: String, _ weight: Weight = .less, missing: String, cost: String, command: String?
    ) {
        self.topic = topic
        self.weight = weight
        self.missing = missing
        self.cost = cost
        self.command = command
    }
}

extension HostCapabilities {
    /// What is missing here, the costliest first; what is not known is not complained of.
    package var advice: [Advice] {
        let found: [Advice?] =
            [cgroupAdvice, delegationAdvice] + controllerAdvice + controlFileAdvice
            + [pressureAdvice, cgroupPressureAdvice] + processorAdvice + permissionAdvice
            + systemdAdvice + confinementAdvice + neighbourAdvice
        let all = found.compactMap(\.self)
        return Advice.Weight.allCases.flatMap { weight in all.filter { $0.weight == weight } }
    }

    /// Whether nothing is missing that a line of a budget needs.
    package var holdsEverything: Bool { advice.allSatisfy { $0.weight != .enforcement } }
}

// Commands.
extension HostCapabilities {
    /// `sudo ` for those who need it.
    var sudo: String { isRoot == true ? "" : "sudo " }

    func echo(_ value: String, into file: String) -> String {
        "echo \(value) | \(sudo)tee \(file)"
    }

    /// The word of the kernel's command line that begins so.
    func kernelArgument(_ start: String) -> String? {
        kernelArguments?.first { $0.hasPrefix(start) }
    }

    func adding(kernelArgument word: String) -> String {
        switch bootLoader {
        case .grub:
            "\(sudo)sed -i 's/^GRUB_CMDLINE_LINUX=\"/&\(word) /' /etc/default/grub && "
                + "\(sudo)update-grub  # then start again"
        case .grubby:
            "\(sudo)grubby --update-kernel=ALL --args=\(word)  # then start again"
        case nil: "add \(word) to the kernel's command line and start again"
        }
    }

    func removing(kernelArgument word: String) -> String {
        switch bootLoader {
        case .grub:
            "\(sudo)sed -i 's/ *\(word)//' /etc/default/grub && \(sudo)update-grub"
                + "  # then start again"
        case .grubby:
            "\(sudo)grubby --update-kernel=ALL --remove-args=\(word)  # then start again"
        case nil: "take \(word) from the kernel's command line and start again"
        }
    }

    /// Adds a setting to a unit and starts it again with that.
    func dropIn(_ setting: String, for unit: String) -> String {
        let folder = "/etc/systemd/system/\(unit).d"
        return "\(sudo)mkdir -p \(folder) && printf '[Service]\\n\(setting)\\n' | "
            + "\(sudo)tee \(folder)/delegate.conf && \(sudo)systemctl daemon-reload && "
            + "\(sudo)systemctl restart \(unit)"
    }

    /// Major and minor version of the kernel, such as (6, 1).
    var kernelVersion: (Int, Int)? {
        let parts = (kernelRelease ?? "").split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }

    func isKernel(before version: (Int, Int)) -> Bool {
        kernelVersion.map { $0 < version } ?? false
    }
}

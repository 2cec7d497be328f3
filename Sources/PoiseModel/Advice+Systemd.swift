// The service manager, and Poise's own unit.
extension HostCapabilities {
    var systemdAdvice: [Advice?] {
        guard hasSystemd != false else {
            return [
                Advice(
                    "systemd", missing: "systemd as process 1",
                    cost: "features that are units cannot be run, and nothing restarts poised",
                    command: nil)
            ]
        }
        return [versionAdvice, unitAdvice]
    }

    private var versionAdvice: Advice? {
        guard hasSystemd == true, let version = systemd?.version, version < 254 else { return nil }
        if version < 252 {
            return Advice(
                "systemd", missing: "systemd 252 or newer (it is \(version))",
                cost: "Poise was never tried with it; root cannot see what is delegated before 251",
                command: "move to a newer release of this distribution")
        }
        let changes =
            version < 253
            ? "systemctl reload does not wait until poised has read the policy (253); "
            : ""
        return Advice(
            "systemd", .note, missing: "systemd 254 or newer (it is \(version))",
            cost: changes + "features live in a unit of their own, poise-features.service, since "
                + "DelegateSubgroup= is of 254",
            command: nil)
    }

    private var unitAdvice: Advice? {
        guard hasSystemd == true, let systemd else { return nil }
        guard systemd.isInstalled else {
            return Advice(
                "unit", .note, missing: "poised.service",
                cost: "nothing starts poised at boot, or again after a crash",
                command: "\(sudo)scripts/install --start  # in the checkout")
        }
        if systemd.isRunning == false {
            return Advice(
                "unit", missing: "poised.service at work",
                cost: "features do not run, and no budget is held",
                command: "\(sudo)systemctl \(systemd.isEnabled ? "start" : "enable --now") poised")
        }
        guard !systemd.isEnabled else { return nil }
        return Advice(
            "unit", missing: "poised.service among what starts at boot",
            cost: "after the next start of the machine features do not run",
            command: "\(sudo)systemctl enable poised")
    }
}

// What this user may, and whom Poise runs features as.
extension HostCapabilities {
    var permissionAdvice: [Advice?] {
        [accountAdvice, niceAdvice, openFilesAdvice, lockedMemoryAdvice, swapAdvice]
    }

    private var accountAdvice: Advice? {
        guard let accounts else { return nil }
        let groups = ["poise", "poise-admin"].filter { !accounts.groups.contains($0) }
        let users = ["poise-host"].filter { !accounts.users.contains($0) }
        guard !groups.isEmpty || !users.isEmpty else { return nil }
        let names =
            groups.map { "the group \($0)" } + users.map { "the user \($0)" }
        var costs: [String] = []
        if !groups.isEmpty { costs.append("only root and poised's own user may ask it") }
        if !users.isEmpty { costs.append("features run as the user that poised runs as") }
        let steps =
            groups.map { "\(sudo)groupadd --system \($0)" }
            + users.map { user in
                "\(sudo)useradd --system --user-group --no-create-home "
                    + "--shell /usr/sbin/nologin \(user)"
            }
        return Advice(
            "accounts", missing: names.joined(separator: ", "),
            cost: costs.joined(separator: "; "),
            command: accounts.hasRecipe && hasSystemd == true
                ? "\(sudo)systemd-sysusers" : steps.joined(separator: " && "))
    }

    private var niceAdvice: Advice? {
        guard hasSysNice == false, let lowestNice, lowestNice > -20 else { return nil }
        return Advice(
            "nice", missing: "the right to nice values below \(lowestNice)",
            cost: "high priorities are expressed by holding the low ones back only",
            command: "echo \"$USER - nice -20\" | \(sudo)tee /etc/security/limits.d/poise.conf")
    }

    /// A feature takes up to five descriptors in poised, a caller one.
    private var openFilesAdvice: Advice? {
        guard let openFiles, openFiles < 1024 else { return nil }
        return Advice(
            "openFiles", missing: "the right to more than \(openFiles) open files",
            cost: "about \(max(0, (openFiles - 100) / 5)) features can run at a time",
            command: "ulimit -n 65536")
    }

    private var lockedMemoryAdvice: Advice? {
        guard let lockedBytes, lockedBytes < 8 << 20 else { return nil }
        return Advice(
            "lockedMemory", .note,
            missing: "the right to lock 8 MiB of memory (it is "
                + "\(QuantityText.bytes(lockedBytes)))",
            cost: "features that share buffers with a device may be refused them",
            command: "echo \"$USER - memlock 65536\" | "
                + "\(sudo)tee /etc/security/limits.d/poise-memlock.conf  # then log in again")
    }

    private var swapAdvice: Advice? {
        guard swapBytes == 0 else { return nil }
        return Advice(
            "swap", .note, missing: "swap space",
            cost: "a feature above memory.high is slowed down until it frees memory by itself",
            command: "\(sudo)fallocate -l 2G /swapfile && \(sudo)chmod 600 /swapfile && "
                + "\(sudo)mkswap /swapfile && \(sudo)swapon /swapfile")
    }
}

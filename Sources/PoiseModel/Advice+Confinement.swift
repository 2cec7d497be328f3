// What plugins are confined with.
extension HostCapabilities {
    var confinementAdvice: [Advice?] {
        [noNewPrivilegesAdvice, seccompAdvice, landlockAdvice, traceAdvice]
    }

    private var noNewPrivilegesAdvice: Advice? {
        guard confinement.hasNoNewPrivileges == false else { return nil }
        return Advice(
            "confinement", missing: "no_new_privs, which kernels have from 3.5 on",
            cost: "a plugin may gain rights by programs that are set-uid",
            command: "boot a newer kernel")
    }

    private var seccompAdvice: Advice? {
        guard confinement.hasSeccomp == false else { return nil }
        return Advice(
            "confinement", missing: "system-call filters (seccomp)",
            cost: "plugins may make every system call",
            command: "boot a kernel that was built with CONFIG_SECCOMP_FILTER=y")
    }

    private var landlockAdvice: Advice? {
        guard let modules = confinement.modules, !modules.contains("landlock") else { return nil }
        // Replaces a list that is there already: the last one counts.
        let list = (["landlock"] + modules.filter { $0 != "capability" }).joined(separator: ",")
        return Advice(
            "confinement", missing: "Landlock among the security modules",
            cost: "plugins reach every file that their user may read",
            command: isKernel(before: (5, 13))
                ? "boot Linux 5.13 or newer" : adding(kernelArgument: "lsm=\(list)"))
    }

    private var traceAdvice: Advice? {
        guard confinement.traceScope == 0 else { return nil }
        return Advice(
            "trace", missing: "a bar to tracing other processes (ptrace_scope is 0)",
            cost: "a plugin may read the memory of another that runs as the same user",
            command: "\(sudo)sysctl -w kernel.yama.ptrace_scope=1")
    }
}

// Single files that kernels lack although the controller is there.
extension HostCapabilities {
    var controlFileAdvice: [Advice] {
        guard cgroups == .unified, let files = subtree?.files else { return [] }
        return [
            idleAdvice(files), swapLimitAdvice(files), weightFileAdvice(files),
            weightEffectAdvice(files), latencyAdvice(files), partitionFileAdvice(files),
            partitionPlaceAdvice(files), hugePageAdvice(files),
        ].compactMap(\.self)
    }

    /// A file that must be there when its controller's `sibling` is.
    private func lacks(_ file: String, beside sibling: String, in files: Set<String>) -> Bool {
        files.contains(sibling) && !files.contains(file)
    }

    private func idleAdvice(_ files: Set<String>) -> Advice? {
        guard lacks("cpu.idle", beside: "cpu.weight", in: files) else { return nil }
        return Advice(
            "controlFiles", missing: "cpu.idle, which kernels have from 5.15 on",
            cost: "features that only borrow get the lowest weight instead",
            command: "boot Linux 5.15 or newer")
    }

    private func swapLimitAdvice(_ files: Set<String>) -> Advice? {
        guard lacks("memory.swap.max", beside: "memory.max", in: files) else { return nil }
        let argument = kernelArgument("swapaccount=0")
        return Advice(
            "controlFiles",
            missing: argument == nil
                ? "memory.swap.max, which this kernel was built without"
                : "memory.swap.max, which swapaccount=0 switches off",
            cost: "a feature at its memory limit may fill the swap space",
            command: argument.map(removing(kernelArgument:))
                ?? "boot a kernel that was built with CONFIG_SWAP=y")
    }

    private func weightFileAdvice(_ files: Set<String>) -> Advice? {
        guard lacks("io.weight", beside: "io.max", in: files) else { return nil }
        return Advice(
            "controlFiles", missing: "io.weight, which this kernel was built without",
            cost: "requests of features are not shared by weight; limits (io.max) hold",
            command: "boot a kernel that was built with CONFIG_BLK_CGROUP_IOCOST=y")
    }

    private func weightEffectAdvice(_ files: Set<String>) -> Advice? {
        guard files.contains("io.weight"), let blockDevices,
            let device = blockDevices.first, !blockDevices.contains(where: \.heedsWeight)
        else { return nil }
        let place = "\(cgroupMount ?? "/sys/fs/cgroup")/io.cost.qos"
        return Advice(
            "controlFiles",
            missing: "a disk that heeds io.weight: \(device.name) has neither io.cost nor bfq",
            cost: "requests of features are not shared by weight; limits (io.max) hold",
            command: echo("'\(device.number) enable=1'", into: place))
    }

    private func latencyAdvice(_ files: Set<String>) -> Advice? {
        guard lacks("io.latency", beside: "io.max", in: files) else { return nil }
        return Advice(
            "controlFiles", .note, missing: "io.latency, which this kernel was built without",
            cost: "none today: Poise holds requests by io.weight and io.max",
            command: "boot a kernel that was built with CONFIG_BLK_CGROUP_IOLATENCY=y")
    }

    private func partitionFileAdvice(_ files: Set<String>) -> Advice? {
        guard lacks("cpuset.cpus.partition", beside: "cpuset.cpus", in: files) else { return nil }
        return Advice(
            "controlFiles", missing: "cpuset.cpus.partition, which kernels have from 5.0 on",
            cost: "cores cannot be taken out of the load balancing of the rest",
            command: "boot Linux 5.0 or newer")
    }

    /// Before 6.7 a partition must lie directly below another, and the mount's root is the first.
    private func partitionPlaceAdvice(_ files: Set<String>) -> Advice? {
        guard files.contains("cpuset.cpus.partition"), isKernel(before: (6, 7)),
            let folder = subtree?.folder, let mount = cgroupMount, folder != mount
        else { return nil }
        return Advice(
            "controlFiles", .note,
            missing: "partitions of cores below \(folder), which kernels have from 6.7 on",
            cost: "a policy that asks for isolation gets CPUs of its own without a partition",
            command: "boot Linux 6.7 or newer")
    }

    private func hugePageAdvice(_ files: Set<String>) -> Advice? {
        guard controllers?.contains("hugetlb") == true,
            !files.contains("hugetlb.2MB.max"), !files.contains("hugetlb.1GB.max")
        else { return nil }
        return Advice(
            "controlFiles", .note, missing: "hugetlb.2MB.max and hugetlb.1GB.max",
            cost: "none: this machine has no huge pages of these sizes", command: nil)
    }
}

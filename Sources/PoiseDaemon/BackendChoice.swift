import Glibc
import PoiseHardware
import PoiseLinux
import PoiseModel

/// How this host is to be held to a plan.
struct BackendChoice {
    var backend: Backend
    /// The cgroup below which features get theirs.
    var folder: CgroupFolder?
    /// Why it is not the strongest backend; nil when it is, or was asked for.
    var because: String?

    /// - Parameter before: what an earlier daemon remembered of the cgroup.
    static func make(
        _ options: DaemonOptions, before: CgroupFolder.Before
    ) throws(SystemError) -> BackendChoice {
        if let asked = options.backend, asked != .cgroup2 { return BackendChoice(backend: asked) }
        let host = HostCapabilities.probe()
        guard let root = root(options, host) else {
            let because = "no cgroup is delegated to poised (poise doctor tells how)"
            return try fallBack(
                options, SystemError("open", on: "cgroup", .noSuchFile, advice: because))
        }
        do throws(SystemError) {
            let folder = try CgroupFolder.open(root, before: before)
            guard folder.hasFile(.cpusetCPUs) || folder.hasFile(.cpuWeight) else {
                _ = folder.restore()
                throw SystemError(
                    "open", on: root, .noSuchFile,
                    advice: "neither cpuset nor cpu is delegated to it (poise doctor tells how)")
            }
            return BackendChoice(backend: .cgroup2, folder: folder)
        } catch {
            return try fallBack(options, error)
        }
    }

    private static func fallBack(
        _ options: DaemonOptions, _ error: SystemError
    ) throws(SystemError) -> BackendChoice {
        if options.backend == .cgroup2 { throw error }
        return BackendChoice(backend: .affinity, because: "\(error)")
    }

    /// The cgroup that was named, or our own where nobody else is in it: nobody's processes are
    /// moved who did not ask for it.
    private static func root(_ options: DaemonOptions, _ host: HostCapabilities) -> String? {
        if let path = options.cgroup { return path }
        guard host.cgroups == .unified, host.isDelegated == true, let own = host.cgroupFolder,
            own != host.cgroupMount
        else { return nil }
        if options.backend == .cgroup2 { return own }
        let processes = (ProcessFiles.text(own + "/cgroup.procs") ?? "").split(separator: "\n")
        return processes == ["\(getpid())"] ? own : nil
    }
}

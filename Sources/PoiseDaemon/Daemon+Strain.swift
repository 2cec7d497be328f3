import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel

// Faults that are load: a process of ours inside a feature's budget, or a slower disk.
extension Daemon {
    /// Starts `poise-host` as a load inside the budget, for as long as the fault lasts.
    func strain(
        _ entry: inout ChaosBook.Active, _ kind: String, _ amount: String
    ) throws(SystemError) {
        guard let feature = entry.injection.feature, let process = processes[feature] else {
            return
        }
        let birth = HostLauncher.Birth(
            placement: process.placement,
            cgroup: try enforcer.groups?.folder.descriptor(of: feature),
            user: hostUsers?.user(of: feature), keep: { _, _ in false })
        // It carries the feature's name, so what holds the feature's processes holds this one too,
        // and it is ended with them.
        var request = launcher.request(feature, launcher.host, birth)
        request.arguments = [
            "--strain", kind, "--amount", amount, "--milliseconds",
            "\(entry.injection.duration.wholeMilliseconds)",
        ]
        request.parentDeathSignal = SIGKILL
        let child = try ChildProcess.spawn(request)
        entry.strain = child
        entry.how = "process \(child.pid) strains \(kind) in its budget"
    }

    /// Ends a load; whoever else waits for its end takes it (`Subreaper`).
    func end(_ strain: ChildProcess?) {
        guard let strain else { return }
        attempt { () throws(SystemError) in try strain.signal(SIGKILL) }
    }

    /// Slows the disk below the feature's state folder by `io.max`; where that is not to be had,
    /// keeps the disk busy from inside the budget.
    func slowDisk(_ entry: inout ChaosBook.Active) throws(SystemError) {
        guard let feature = entry.injection.feature else { return }
        let own = "\(options.stateFolder)/\(feature)"
        let place = Glibc.access(own, W_OK) == 0 ? own : options.stateFolder
        if let groups = enforcer.groups, groups.support.files.contains(.ioMax),
            engine.policy[feature]?.ioLimits.isEmpty ?? false,
            let disk = BlockDevice.disk(of: place)
        {
            do throws(SystemError) {
                let rate = Daemon.slowBytesPerSecond
                try groups.folder.write(feature, .ioMax, "\(disk) rbps=\(rate) wbps=\(rate)")
                entry.disk = disk
                entry.how =
                    "io.max of disk \(disk) is \(QuantityText.bytes(rate)) a second"
                return
            } catch {
                say("degraded", feature, "\(error); its disk is kept busy instead")
            }
        }
        try strain(&entry, "disk", place)
        entry.how += ": it writes in \(place) and waits for the disk (no io.max here)"
    }

    /// What a slow disk reads and writes.
    private static let slowBytesPerSecond = 1 << 20

    func quickenDisk(_ entry: ChaosBook.Active) {
        guard let feature = entry.injection.feature, let disk = entry.disk,
            let folder = enforcer.groups?.folder
        else { return }
        attempt(feature) { () throws(SystemError) in
            do throws(SystemError) {
                try folder.write(feature, .ioMax, "\(disk) rbps=max wbps=max")
            } catch {
                // The group went with the feature.
                if error.errno != .noSuchFile, error.errno != Errno(ENODEV) { throw error }
            }
        }
    }
}

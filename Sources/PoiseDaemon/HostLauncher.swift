import Glibc
import PoiseLinux
import PoiseModel
import PoiseWire

/// Starts the process of a feature inside its allocation: a host for a plugin, or a command.
struct HostLauncher {
    /// The environment variable that marks all processes of a feature.
    static let featureVariable = "POISE_FEATURE"

    /// Why a feature's process could not be started.
    struct Failure: Error {
        var text: String
        /// Whether trying again is of no use.
        var permanent: Bool
    }

    /// What a process is born with.
    struct Birth {
        /// Nil where a cgroup holds it, and under `observe`.
        var placement: AffinityPlacement?
        /// What its processes may hold at most, however its share changes while it runs: a limit
        /// that was lowered can only be raised again by who has the right to.
        var mostMemory: Int?
        /// The cgroup that it is born in.
        var cgroup: FileDescriptor?
        /// Nil runs it as the daemon's user.
        var user: Credentials?
        /// Keeps what outlives the daemon; false when nobody does, and it ends with the daemon.
        var keep: (FileDescriptor, Inherited.Kind) throws(SystemError) -> Bool
    }

    let host: String
    let plugins: PluginSearch
    let runtimeFolder: String
    let stateFolder: String
    /// Paths that no plugin may even read.
    let hidden: [String]

    func start(
        _ policy: FeaturePolicy, _ allocation: HostAllocation, _ birth: Birth
    ) throws(Failure) -> FeatureProcess {
        switch policy.source {
        case .plugin(let name):
            guard let path = plugins.path(of: name) else {
                throw Failure(text: plugins.missing(name), permanent: true)
            }
            return try startHost(policy, path, allocation, birth)
        case .command(let words): return try startCommand(policy, words, birth)
        case .unit(let name): preconditionFailure("\(name) is systemd's to start")
        }
    }

    private func startHost(
        _ policy: FeaturePolicy, _ plugin: String, _ allocation: HostAllocation, _ birth: Birth
    ) throws(Failure) -> FeatureProcess {
        let feature = policy.id
        let folder = "\(stateFolder)/\(feature)"
        do {
            try makeFolder(folder, birth)
            let (ours, theirs) = try LocalSocket.messagePair()
            var request = request(feature, host, birth)
            request.arguments = ["--feature", feature.name, "--plugin", plugin, "--channel", "3"]
            request.arguments += sandbox(policy, folder)
            request.descriptors[3] = theirs
            // A crash is told by its signal; the backtrace of the Swift runtime would hold the
            // dying process for seconds.
            if request.environment["SWIFT_BACKTRACE"] == nil {
                request.environment["SWIFT_BACKTRACE"] = "enable=no"
            }
            let process = try spawn(policy, request, birth, channel: ours)
            let order = HostOrder.start(
                feature: feature.name, plugin: plugin, config: policy.config,
                allocation: allocation, stateFolder: folder)
            guard process.send(order) else {
                process.signal(9, orphans: [])
                throw Failure(
                    text: "its configuration is longer than a message may be", permanent: true)
            }
            return process
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(text: "\(error)", permanent: false)
        }
    }

    private func makeFolder(_ path: String, _ birth: Birth) throws(SystemError) {
        if let user = birth.user {
            try Folder.make(path, for: user)
        } else {
            try Folder.make(path)
        }
    }

    /// What the host may do: its own folder and what the policy says, and never what is the
    /// daemon's.
    private func sandbox(_ policy: FeaturePolicy, _ folder: String) -> [String] {
        var words = ["--sandbox", policy.sandbox.rawValue, "--write", folder]
        for path in policy.files.write { words += ["--write", path] }
        for path in policy.files.read { words += ["--read", path] }
        for path in hidden { words += ["--hide", path] }
        return words
    }

    private func startCommand(
        _ policy: FeaturePolicy, _ words: [String], _ birth: Birth
    ) throws(Failure) -> FeatureProcess {
        var request = request(policy.id, words[0], birth)
        request.arguments = Array(words.dropFirst())
        do throws(SystemError) {
            // It says which user is the feature's own.
            if birth.user != nil { try makeFolder("\(stateFolder)/\(policy.id)", birth) }
            return try spawn(policy, request, birth, channel: nil)
        } catch {
            // A program that is not there or is none will not be there in a moment either.
            let hopeless: Set<Errno> = [.noSuchFile, .accessDenied, Errno(8), .notADirectory]
            throw Failure(text: "\(error)", permanent: hopeless.contains(error.errno))
        }
    }

    /// Files that one process may have open: enough for a server, too few to use up the machine's.
    /// A process may raise the first number to the second by itself (`RLIMIT_NOFILE`).
    private static let openFiles: ResourceLimit = {
        var own = rlimit()
        getrlimit(__rlimit_resource_t(UInt32(ResourceLimit.Kind.openFiles.rawValue)), &own)
        let most = Int(clamping: own.rlim_max)
        return ResourceLimit(.openFiles, soft: min(1024, most), hard: min(16384, most))
    }()

    /// What every process of a feature is born with.
    func request(
        _ feature: FeatureID, _ program: String, _ birth: Birth
    ) -> SpawnRequest {
        var request = SpawnRequest(program: program)
        request.environment = OwnEnvironment.variables
        request.environment[HostLauncher.featureVariable] = feature.name
        request.limits = [ResourceLimit(.coreBytes, 0), HostLauncher.openFiles]
        request.cgroup = birth.cgroup
        if let user = birth.user {
            request.user = user
            request.noCapabilities = true
            request.noNewPrivileges = true
            // systemd may have set the daemon's own far below.
            request.oomScoreAdjust = 0
            request.environment["HOME"] = "\(stateFolder)/\(feature)"
        }
        if let placement = birth.placement {
            request.cpus = placement.cpus
            request.nice = placement.nice
            request.scheduling = placement.scheduling
            if let memory = placement.memoryMaxBytes {
                let most = birth.mostMemory.map { max($0, memory) }
                request.limits.append(ResourceLimit(.dataBytes, soft: memory, hard: most ?? memory))
            }
        }
        return request
    }

    private func spawn(
        _ policy: FeaturePolicy, _ request: SpawnRequest, _ birth: Birth, channel: FileDescriptor?
    ) throws(SystemError) -> FeatureProcess {
        var request = request
        // Nobody else is this user, so that the kernel counts just this feature's.
        if birth.user != nil, birth.cgroup == nil, let most = policy.mostProcesses {
            request.limits.append(ResourceLimit(.processes, most))
        }
        let (reading, writing) = try FileDescriptor.pipe()
        request.descriptors[1] = writing
        request.descriptors[2] = writing
        // What it writes to must outlive the daemon before it can write.
        var survives = try birth.keep(reading, .output)
        if let channel { survives = try birth.keep(channel, .channel) && survives }
        // Whoever starts a feature's process is the main thread, which lives as long as poised.
        if !survives { request.parentDeathSignal = 15 }
        let child = try ChildProcess.spawn(request)
        _ = try birth.keep(child.descriptor, .process)
        return FeatureProcess(
            feature: policy.id, handle: child.handle, child: child, identity: policy.identity,
            channel: channel, output: output(of: policy.id, reading))
    }

    /// Where what a feature prints goes.
    func output(of feature: FeatureID, _ pipe: FileDescriptor) -> FeatureOutput {
        FeatureOutput(pipe: pipe, log: "\(runtimeFolder)/logs/\(feature).log")
    }
}

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

    let host: String
    let plugins: PluginSearch
    let runtimeFolder: String
    let stateFolder: String

    /// - Parameter placement: nil starts it where the daemon runs (`observe`).
    func start(
        _ policy: FeaturePolicy, _ allocation: HostAllocation, placement: AffinityPlacement?
    ) throws(Failure) -> FeatureProcess {
        switch policy.source {
        case .plugin(let name):
            guard let path = plugins.path(of: name) else {
                throw Failure(text: plugins.missing(name), permanent: true)
            }
            return try startHost(policy, path, allocation, placement)
        case .command(let words): return try startCommand(policy.id, words, placement)
        case .unit(let name):
            throw Failure(
                text: "\(name): units are not there yet; run it as a command", permanent: true)
        }
    }

    private func startHost(
        _ policy: FeaturePolicy, _ plugin: String, _ allocation: HostAllocation,
        _ placement: AffinityPlacement?
    ) throws(Failure) -> FeatureProcess {
        let feature = policy.id
        let folder = "\(stateFolder)/\(feature)"
        do {
            try Folder.make(folder)
            let (ours, theirs) = try LocalSocket.messagePair()
            var request = request(feature, host, placement)
            request.arguments = ["--feature", feature.name, "--plugin", plugin, "--channel", "3"]
            request.descriptors[3] = theirs
            // A crash is told by its signal; the backtrace of the Swift runtime would hold the
            // dying process for seconds.
            if request.environment["SWIFT_BACKTRACE"] == nil {
                request.environment["SWIFT_BACKTRACE"] = "enable=no"
            }
            let process = try spawn(feature, request, channel: ours)
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

    private func startCommand(
        _ feature: FeatureID, _ words: [String], _ placement: AffinityPlacement?
    ) throws(Failure) -> FeatureProcess {
        var request = request(feature, words[0], placement)
        request.arguments = Array(words.dropFirst())
        do throws(SystemError) {
            return try spawn(feature, request, channel: nil)
        } catch {
            // A program that is not there or is none will not be there in a moment either.
            let hopeless: Set<Errno> = [.noSuchFile, .accessDenied, Errno(8), .notADirectory]
            throw Failure(text: "\(error)", permanent: hopeless.contains(error.errno))
        }
    }

    private func request(
        _ feature: FeatureID, _ program: String, _ placement: AffinityPlacement?
    ) -> SpawnRequest {
        var request = SpawnRequest(program: program)
        request.environment = OwnEnvironment.variables
        request.environment[HostLauncher.featureVariable] = feature.name
        // Whoever starts a feature's process is the main thread, which lives as long as poised.
        request.parentDeathSignal = 15
        request.limits = [ResourceLimit(.coreBytes, 0)]
        if let placement {
            request.cpus = placement.cpus
            request.nice = placement.nice
            request.scheduling = placement.scheduling
            if let memory = placement.memoryMaxBytes {
                request.limits.append(ResourceLimit(.dataBytes, memory))
            }
        }
        return request
    }

    private func spawn(
        _ feature: FeatureID, _ request: SpawnRequest, channel: FileDescriptor?
    ) throws(SystemError) -> FeatureProcess {
        var request = request
        let (reading, writing) = try FileDescriptor.pipe()
        request.descriptors[1] = writing
        request.descriptors[2] = writing
        let output = FeatureOutput(
            pipe: reading, log: "\(runtimeFolder)/logs/\(feature).log")
        let child = try ChildProcess.spawn(request)
        return FeatureProcess(feature: feature, child: child, channel: channel, output: output)
    }
}

import Glibc
import PluginABI
import PoiseModel
import PoiseWire

/// One plugin, called on its own thread, one call at a time.
struct HostedPlugin {
    /// What a plugin is created with.
    struct Creation {
        var feature: String
        var stateFolder: String
        var config: JSON
        var allocation: HostAllocation
        var host: UnsafePointer<poise_host_functions>
    }

    let library: PluginLibrary
    private var instance: UnsafeMutableRawPointer?

    /// Opens the library and creates the plugin.
    init(_ library: PluginLibrary, _ creation: Creation) throws(HostFailure) {
        self.library = library
        var made: UnsafeMutableRawPointer?
        let config = creation.config.description
        let (code, why) = HostedPlugin.asking { why in
            BorderAllocation(creation.allocation).withPointer { allocation in
                creation.feature.withCString { feature in
                    creation.stateFolder.withCString { folder in
                        config.withCString { text in
                            var border = poise_creation()
                            border.size = UInt32(MemoryLayout<poise_creation>.size)
                            border.config_length = UInt32(config.utf8.count)
                            border.host = creation.host
                            border.feature = feature
                            border.state_folder = folder
                            border.config = text
                            border.allocation = allocation
                            return library.functions.create(
                                library.functions.context, &border, &made, why)
                        }
                    }
                }
            }
        }
        try HostedPlugin.check(code, why, stage: "create")
        instance = made
    }

    func start() throws(HostFailure) {
        let (code, why) = HostedPlugin.asking { library.functions.start(instance, $0) }
        try HostedPlugin.check(code, why, stage: "start")
    }

    func apply(_ allocation: HostAllocation) {
        guard let apply = library.functions.apply else { return }
        BorderAllocation(allocation).withPointer { apply(instance, $0) }
    }

    func drain(milliseconds: Int) {
        library.functions.drain?(instance, UInt64(clamping: milliseconds))
    }

    /// The machine is at another service level.
    func serviceLevel(_ level: ServiceLevel) {
        let number =
            switch level {
            case .full: POISE_FULL
            case .reduced: POISE_REDUCED
            case .essential: POISE_ESSENTIAL
            case .emergency: POISE_EMERGENCY
            }
        library.functions.service_level?(instance, number)
    }

    /// Gives up so much memory.
    func shrink(bytes: Int) {
        library.functions.shrink?(instance, UInt64(clamping: bytes))
    }

    func stop() { library.functions.stop(instance) }

    func health() -> HealthWord {
        guard let healthy = library.functions.healthy else { return .good }
        let (answer, why) = HostedPlugin.asking { healthy(instance, $0) }
        switch answer {
        case POISE_GOOD: return .good
        case POISE_DEGRADED: return .degraded(why)
        case POISE_FAILING: return .failing(why)
        default: return .failing("healthy answered \(answer), which means nothing")
        }
    }

    func report() -> BorderReport {
        BorderReport { report in library.functions.sample?(instance, report) }
    }

    /// Tells libraries of linear algebra and OpenMP how many threads they may start; they read it
    /// as they are opened.
    static func limitMathThreads(to allocation: HostAllocation) {
        let own = allocation.cores.count { $0.cpus.isSubset(of: allocation.exclusive) }
        for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"] {
            setenv(name, "\(max(1, own))", 1)
        }
    }

    // Gives the plugin room for a text and reads what it wrote.
    private static func asking(
        _ ask: (UnsafeMutablePointer<poise_text>) -> Int32
    ) -> (answer: Int32, why: String) {
        let room = 1024
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { buffer in
            buffer.initialize(repeating: 0)
            var text = poise_text()
            text.size = UInt32(MemoryLayout<poise_text>.size)
            text.capacity = UInt32(room)
            text.bytes = buffer.baseAddress
            let answer = ask(&text)
            return (answer, HostMessageText.tame(UnsafeRawBufferPointer(buffer), longest: room))
        }
    }

    private static func check(
        _ code: Int32, _ why: String, stage: String
    ) throws(HostFailure) {
        let text = why.isEmpty ? "the plugin does not say why" : why
        switch code {
        case POISE_DONE: return
        case POISE_CONFIGURATION: throw HostFailure(stage: stage, text: text, permanent: true)
        case POISE_ENVIRONMENT: throw HostFailure(stage: stage, text: text, permanent: false)
        default:
            throw HostFailure(
                stage: stage, text: "\(stage) answered \(code): \(text)", permanent: false)
        }
    }
}

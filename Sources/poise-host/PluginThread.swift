import CLinux
import PoiseBus
import PoiseModel
import PoiseWire

/// The plugin's main thread: takes orders one at a time, makes the call, answers.
///
/// States: no plugin (only `start` is taken), running (all but `start`), ended (after `stop` or a
/// failure: the thread is over and the outbox ends the process).
final class PluginThread: Sendable {
    let orders = OrderQueue()
    private let outbox: Outbox
    private let feature: String
    private let path: String
    private let bus: BusEndpoint

    init(feature: String, path: String, outbox: Outbox, bus: BusEndpoint) {
        self.bus = bus
        self.feature = feature
        self.path = path
        self.outbox = outbox
    }

    func start() {
        let me = Unmanaged.passRetained(self)
        let result = poise_host_thread(
            "plugin",
            { raw in
                guard let raw else { return }
                Unmanaged<PluginThread>.fromOpaque(raw).takeRetainedValue().run()
            }, me.toOpaque())
        guard result == 0 else {
            HostExit.end(.outside, "starting the plugin's thread failed: \(Errno(-result))")
        }
    }

    private func run() {
        do {
            let plugin = try begin(orders.take())
            var problems: [String] = []
            while true {
                let order = orders.take()
                obey(order, plugin, &problems)
                if order == .stop { return outbox.end(.stopped, .done) }
            }
        } catch {
            HostExit.complain(error.text)
            let text = HostMessageText.tame(error.text.utf8, longest: 2048)
            outbox.end(
                .failed(stage: error.stage, text: text, permanent: error.permanent),
                error.permanent ? .wrong : .outside)
        }
    }

    private func begin(_ order: HostOrder) throws(HostFailure) -> HostedPlugin {
        guard case .start(let feature, let path, let config, let allocation, let folder) = order
        else { throw wrongStart("the first order is not start") }
        guard feature == self.feature, path == self.path else {
            throw wrongStart(
                "start names \(feature) and \(path), the command line \(self.feature) and "
                    + self.path)
        }
        HostedPlugin.limitMathThreads(to: allocation)
        let library = try PluginLibrary.open(path)
        outbox.answer(
            .loaded(name: library.name, version: library.version, abi: Int(library.abi)))
        let plugin = try HostedPlugin(
            library,
            HostedPlugin.Creation(
                feature: feature, stateFolder: folder, config: config, allocation: allocation,
                host: HostCalls.table(bus: bus) { [outbox] in outbox.hear($0, $1) }))
        outbox.answer(.created)
        try plugin.start()
        outbox.answer(.started)
        return plugin
    }

    private func obey(_ order: HostOrder, _ plugin: HostedPlugin, _ problems: inout [String]) {
        switch order {
        case .start:
            outbox.hear(.log) { .log(.warning, text: "a second start was ignored", fields: []) }
        case .apply(let allocation):
            plugin.apply(allocation)
            outbox.answer(.applied(generation: allocation.generation))
        case .drain(let milliseconds):
            plugin.drain(milliseconds: milliseconds)
            outbox.answer(.drained)
        case .stop: plugin.stop()
        case .checkHealth: outbox.answer(.health(plugin.health()))
        case .serviceLevel(let level): plugin.serviceLevel(level)
        case .shrink(let bytes):
            plugin.shrink(bytes: bytes)
            // The plugin's heap is the host's.
            poise_host_trim()
        case .limit, .busAttach, .busRoutes, .busDetach: break
        case .sample:
            let sampled = plugin.report()
            outbox.answer(.report(sampled.report))
            if sampled.problems != problems, !sampled.problems.isEmpty {
                outbox.hear(.log) {
                    .log(.warning, text: PluginThread.text(sampled.problems), fields: [])
                }
            }
            problems = sampled.problems
        }
    }

    private static func text(_ problems: [String]) -> String {
        let all = "the report has values that cannot be and were left out: "
        return HostMessageText.tame((all + problems.joined(separator: ", ")).utf8, longest: 2048)
    }

    private func wrongStart(_ text: String) -> HostFailure {
        HostFailure(stage: "order", text: "starting \(feature) failed: \(text)", permanent: true)
    }
}

import CLinux
import Glibc
import PoiseModel
import PoiseWire

/// The first thread: orders in, news out, signals watched.
///
/// States: serving; ending (SIGTERM, SIGINT, or nobody at the other end of the channel: the plugin
/// is drained and stopped, and after `ending` the process ends whether that is done or not).
struct HostLoop {
    private static let draining: Duration = .seconds(2)
    private static let ending: Duration = .seconds(5)
    /// How long the last news wait for somebody who reads them.
    private static let lastNews: Duration = .seconds(60)
    /// How often something is looked at that waits for its share of a second.
    private static let tick: Int32 = 100

    private let channel: HostChannel
    private let signals: Int32
    private let doorbell: Doorbell
    private let outbox: Outbox
    private let plugin: PluginThread
    private let bus: BusLinks
    private var hasStart = false
    private var isOpen = true
    private var end: Instant?
    private var lastNewsEnd: Instant?

    /// Serves one feature until its end.
    static func run(
        feature: FeatureID, plugin: String, channel: Int32, _ sandbox: SandboxSettings
    ) -> Never {
        var loop = HostLoop(
            feature: feature, plugin: plugin, channel: HostChannel(channel), sandbox)
        loop.plugin.start()
        while true { loop.turn() }
    }

    private init(
        feature: FeatureID, plugin: String, channel: HostChannel, _ sandbox: SandboxSettings
    ) {
        self.channel = channel
        signals = poise_host_signals()
        guard signals >= 0 else {
            HostExit.end(.outside, "watching signals failed: \(Errno(-signals))")
        }
        doorbell = Doorbell(blocking: false)
        outbox = Outbox(channel: channel, doorbell: doorbell)
        if let text = Sandbox.words(Sandbox.enter(sandbox, plugin: plugin)) {
            outbox.hear(.log) {
                .log(.warning, text: HostMessageText.tame(text.utf8, longest: 2048), fields: [])
            }
        }
        bus = BusLinks(outbox: outbox)
        self.plugin = PluginThread(
            feature: feature.name, path: plugin, outbox: outbox, bus: bus.endpoint)
    }

    private mutating func turn() {
        bus.settle()
        let rest = outbox.flush()
        if let code = rest.ending { leaveWhenSent(rest, code) }
        let channelEvents = Int16(POLLIN) | (rest.needsRoom ? Int16(POLLOUT) : 0)
        var watched = [
            pollfd(fd: isOpen ? channel.descriptor : -1, events: channelEvents, revents: 0),
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: doorbell.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let isTimed =
            rest.needsTime || end != nil || rest.ending != nil || !bus.isSettled
        guard poll(&watched, nfds_t(watched.count), isTimed ? HostLoop.tick : -1) >= 0 else {
            return
        }
        if watched[2].revents != 0 { doorbell.wait() }
        if watched[1].revents != 0 { takeSignal() }
        if watched[0].revents & ~Int16(POLLOUT) != 0 { takeOrders() }
        if let end, end < .now, lastNewsEnd == nil {
            HostExit.end(.hung, "stopping the plugin failed: it does not return")
        }
    }

    // The last news are worth waiting for a `poised` that is being started again; whoever told this
    // process to end reads at once or never.
    private mutating func leaveWhenSent(_ rest: Outbox.Rest, _ code: HostExit) {
        let patience = end == nil ? HostLoop.lastNews : .seconds(1)
        let deadline = min(lastNewsEnd ?? (.now + patience), .now + patience)
        lastNewsEnd = deadline
        if !rest.needsRoom || !isOpen || deadline < .now { HostExit.end(code) }
    }

    private mutating func takeSignal() {
        var news = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        if read(signals, &news, size) == size { finish() }
    }

    // As many as wait, and not for ever: what the plugin says must go out as well.
    private mutating func takeOrders() {
        for _ in 0..<64 {
            switch channel.receive() {
            case .nothing: return
            case .closed:
                isOpen = false
                return finish()
            case .lost(let errno):
                HostExit.end(
                    .lost, "reading an order failed: the plugin closed the channel: \(errno)")
            case .unreadable(let text):
                refuse("reading an order failed: \(text.prefix(500))")
            case .order(let order, let descriptors): take(order, descriptors)
            }
        }
    }

    // What is not for the plugin is not for its thread either: one that never returns is to be
    // limited too, and its links are to be had back.
    private mutating func take(_ order: HostOrder, _ descriptors: [Int32]) {
        if case .busAttach(let attachment) = order { return bus.attach(attachment, descriptors) }
        for descriptor in descriptors { close(descriptor) }
        switch order {
        case .limit(let percent): outbox.limit(percent: percent)
        case .busRoutes(let table): bus.route(by: table)
        case .busDetach(let link): bus.detach(link)
        default:
            if case .start(_, _, _, _, let folder) = order { bus.spill(in: folder) }
            hasStart = true
            plugin.orders.put(order)
        }
    }

    // Without a first order there is nothing to serve; later ones that say nothing harm nobody.
    private func refuse(_ text: String) {
        HostExit.complain(text)
        if hasStart {
            outbox.hear(.log) { .log(.error, text: text, fields: []) }
        } else {
            outbox.end(.failed(stage: "order", text: text, permanent: true), .wrong)
        }
    }

    private mutating func finish() {
        guard end == nil else { return }
        end = .now + HostLoop.ending
        guard hasStart else { HostExit.end(.done) }
        plugin.orders.put(.drain(milliseconds: HostLoop.draining.wholeMilliseconds))
        plugin.orders.put(.stop)
    }
}

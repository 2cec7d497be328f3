import CLinux
import Glibc
import PoiseBus
import PoiseModel
import PoiseWire
import Synchronization

/// Walks a plugin through its life once, for its author: a JSON line a step on standard output,
/// what the plugin says meanwhile on standard error.
///
/// The walk is on the second thread; the first one ends the process when a step takes too long.
final class CheckWalk: Sendable {
    private static let longestStep: Duration = .seconds(10)
    private static let draining = 1000
    private static let shrinking = 1 << 20

    private struct Progress {
        var step = "open"
        var since = Instant.now
        var isSound = true
        var isOver = false
    }

    private let path: String
    private let config: JSON
    private let progress = Mutex(Progress())
    private let doorbell = Doorbell(blocking: false)
    private let folder = TemporaryFolder()

    private init(path: String, config: JSON) {
        self.path = path
        self.config = config
    }

    /// Ends the process: 0 when all is well, else as the first failure wants it.
    static func run(
        path: String, config file: String?, _ sandbox: SandboxSettings
    ) -> Never {
        let config: JSON
        do {
            config = try file.map { path throws(HostFailure) in try read(path) } ?? .object([])
        } catch {
            HostExit.end(.wrong, error.text)
        }
        let walk = CheckWalk(path: path, config: config)
        if let text = Sandbox.words(Sandbox.enter(sandbox, plugin: path)) {
            HostExit.complain(text)
        }
        let result = poise_host_thread(
            "plugin",
            { raw in
                guard let raw else { return }
                Unmanaged<CheckWalk>.fromOpaque(raw).takeRetainedValue().walk()
            }, Unmanaged.passRetained(walk).toOpaque())
        guard result == 0 else {
            HostExit.end(.outside, "starting the plugin's thread failed: \(Errno(-result))")
        }
        walk.watch()
    }

    private func watch() -> Never {
        var watched = [pollfd(fd: doorbell.descriptor, events: Int16(POLLIN), revents: 0)]
        while true {
            poll(&watched, 1, 100)
            let now = progress.withLock { progress in
                (progress.isOver, progress.isSound, progress.step, progress.since)
            }
            if now.0 { end(now.1 ? .done : .wrong) }
            if Instant.now - now.3 > CheckWalk.longestStep {
                let seconds = CheckWalk.longestStep.components.seconds
                CheckWalk.tell([
                    "step": .string(now.2), "ok": false,
                    "error": .string("it did not return within \(seconds) s"),
                ])
                end(.hung)
            }
        }
    }

    private func end(_ code: HostExit) -> Never {
        folder.remove()
        HostExit.end(code)
    }

    private func walk() {
        do {
            try live()
        } catch {
            CheckWalk.tell([
                "step": .string(error.stage), "ok": false, "error": .string(error.text),
            ])
            end(error.permanent ? .wrong : .outside)
        }
        progress.withLock { $0.isOver = true }
        doorbell.ring()
    }

    private func live() throws(HostFailure) {
        let (small, large) = CheckWalk.allocations()
        HostedPlugin.limitMathThreads(to: small)
        let library = try step("open") { () throws(HostFailure) in
            try PluginLibrary.open(path)
        } details: {
            [
                "name": .string($0.name), "version": .string($0.version),
                "abi": .integer(Int($0.abi)),
            ]
        }
        let creation = HostedPlugin.Creation(
            feature: "check", stateFolder: folder.path, config: config, allocation: small,
            host: HostCalls.table(bus: BusEndpoint()) { HostExit.complain($1().json.description) })
        let plugin = try step("create") { () throws(HostFailure) in
            try HostedPlugin(library, creation)
        }
        try step("start") { () throws(HostFailure) in try plugin.start() }
        try step("apply") {
            plugin.apply(large)
        } details: {
            large.summary
        }
        var back = small
        back.generation = large.generation + 1
        try step("apply") {
            plugin.apply(back)
        } details: {
            back.summary
        }
        for level in [ServiceLevel.emergency, .full] {
            try step("serviceLevel") {
                plugin.serviceLevel(level)
            } details: {
                ["level": .string(level.rawValue)]
            }
        }
        try step("shrink") {
            plugin.shrink(bytes: CheckWalk.shrinking)
        } details: {
            ["bytes": .integer(CheckWalk.shrinking)]
        }
        let health = try step("healthy") {
            plugin.health()
        } details: {
            ["health": .string($0.words)]
        }
        if case .failing = health { progress.withLock { $0.isSound = false } }
        let sampled = try step("sample") {
            plugin.report()
        } details: {
            $0.details
        }
        if !sampled.problems.isEmpty { progress.withLock { $0.isSound = false } }
        try step("drain") { plugin.drain(milliseconds: CheckWalk.draining) }
        try step("stop") { plugin.stop() }
    }

    @discardableResult
    private func step<Result>(
        _ name: String, _ work: () throws(HostFailure) -> Result,
        details: (Result) -> JSON = { _ in [:] }
    ) throws(HostFailure) -> Result {
        let start = Instant.now
        progress.withLock { progress in
            progress.step = name
            progress.since = start
        }
        let result: Result
        do {
            result = try work()
        } catch {
            throw HostFailure(stage: name, text: error.text, permanent: error.permanent)
        }
        let time = Double((Instant.now - start).wholeNanoseconds / 1000) / 1000
        CheckWalk.tell(
            .object(
                [.init("step", .string(name)), .init("ok", true)]
                    + [.init("milliseconds", .number(time))] + (details(result).members ?? [])))
        return result
    }

    private static func tell(_ line: JSON) { print(line) }

    private static func read(_ path: String) throws(HostFailure) -> JSON {
        let failure: (String) -> HostFailure = { why in
            HostFailure(
                stage: "config", text: "reading the configuration failed on \(path): \(why)",
                permanent: true)
        }
        guard let file = fopen(path, "r") else { throw failure("\(Errno(errno))") }
        defer { fclose(file) }
        // As much as an order holds: poised could not send more either.
        var bytes = [UInt8](repeating: 0, count: HostOrder.longest + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count < bytes.count else { throw failure("longer than \(HostOrder.longest) bytes") }
        do {
            return try JSON.parse(Array(bytes.prefix(count)))
        } catch {
            throw failure("\(error) (mend the file)")
        }
    }

    /// One PU of those that this process may use, and all of them.
    private static func allocations() -> (small: HostAllocation, large: HostAllocation) {
        var words = [UInt64](repeating: 0, count: 1 << 10)
        let count = poise_get_affinity(0, &words, UInt32(words.count))
        let all = CPUSet(words: words.prefix(Int(max(0, count))))
        let first = CPUSet([all.first ?? 0])
        return (allocation(1, first, first), allocation(2, all, first))
    }

    private static func allocation(
        _ generation: Int, _ cpus: CPUSet, _ baseline: CPUSet
    ) -> HostAllocation {
        var allocation = HostAllocation(
            generation: generation, exclusive: cpus, baseline: baseline)
        allocation.cores = cpus.map { .init(cpus: CPUSet([$0]), coreClass: .performance) }
        allocation.millicores.performance = cpus.count * 1000
        return allocation
    }
}

extension HostAllocation {
    fileprivate var summary: JSON {
        ["generation": .integer(generation), "exclusive": .string(exclusive.description)]
    }
}

extension BorderReport {
    fileprivate var details: JSON {
        ["report": report.json, "problems": .array(problems.map(JSON.string))]
    }
}

import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

/// The machine with systemd as process 1 that some tests need, as root; a test of it may change
/// anything there.
enum Testbed {
    static let isHere = getenv("POISE_TESTBED").map { String(cString: $0) } == "1"

    /// What a script prints.
    static func shell(_ script: String) throws -> String {
        try Running.shell("exec 2>&1; " + script).rest()
    }
}

/// A unit of systemd's that is taken away with the object.
private final class TransientUnit {
    let name: String

    /// - Parameter options: of `systemd-run`.
    init(_ name: String, _ options: [String], _ words: [String]) throws {
        self.name = name
        let all = ["--quiet", "--unit=\(name)"] + options + words
        let run = try Running("systemd-run", all) {
            $0.descriptors[2] = $0.descriptors[1]
        }
        let output = try run.rest()
        try #require(try run.end() == .exited(code: 0), "\(output)")
    }

    deinit {
        do {
            _ = try Testbed.shell("systemctl kill -s KILL \(name); systemctl stop \(name)")
        } catch { Issue.record(error) }
    }
}

@Suite(.enabled(if: Testbed.isHere, "needs the testbed: POISE_TESTBED=1"), .serialized)
struct KernelSystemdBusTests {
    private let bus: SystemBus

    init() throws { bus = try SystemBus() }

    /// Runs the loop until `isDone`.
    private func run(until isDone: () -> Bool) throws {
        let epoll = try Epoll()
        try epoll.add(bus.descriptor, token: 1, bus.events)
        let end = MonotonicClock.now + Running.patience
        try bus.process()
        while !isDone(), MonotonicClock.now < end {
            try epoll.modify(bus.descriptor, token: 1, bus.events)
            let wait = bus.timeout.map { max(.zero, $0 - MonotonicClock.now) }
            _ = try epoll.wait(timeout: min(wait ?? .seconds(1), .seconds(1)))
            try bus.process()
        }
        #expect(isDone())
    }

    private func outcome<Value>(
        _ ask: (@escaping (Result<Value, SystemError>) -> Void) -> Void
    ) throws -> Result<Value, SystemError> {
        var result: Result<Value, SystemError>?
        ask { result = $0 }
        try run { result != nil }
        return try #require(result)
    }

    private func control(_ unit: UnitState, _ file: String) throws -> String {
        let group = try #require(unit.controlGroup)
        let text = try #require(ProcessFiles.text("/sys/fs/cgroup\(group)/\(file)"))
        return String(text.dropLast())
    }

    @Test("a budget that is set through systemd is in the kernel, and goes back to what it was")
    func budget() throws {
        // Another unit with a budget keeps the controllers in the slice, so that the files stay.
        let other = try TransientUnit(
            "poise-try-o", ["-pAllowedCPUs=0-7", "-pAllowedMemoryNodes=0-1", "-pCPUQuota=90%"],
            ["sleep", "1000"])
        defer { withExtendedLifetime(other) {} }
        let unit = try TransientUnit("poise-try-a", [], ["sleep", "1000"])
        let name = "\(unit.name).service"
        let before = try outcome { bus.unit(name, then: $0) }.get()
        #expect(before.activeState == "active" && before.loadState == "loaded")
        #expect(before.mainPID != nil && before.invocation?.count == 32)
        #expect(before.budget.count == 11)
        try outcome {
            bus.setUnitProperties(
                [
                    .allowedCPUs([1, 3]), .allowedMemoryNodes([0]), .cpuWeight(300),
                    .cpuQuota(microsecondsPerSecond: 500_000), .memoryMin(1 << 20),
                    .memoryLow(2 << 20), .memoryHigh(1 << 29), .memoryMax(1 << 30),
                    .memorySwapMax(0), .ioWeight(50), .tasksMax(33),
                ], of: name, then: $0)
        }.get()
        let files = [
            ("cpuset.cpus", "1,3"), ("cpuset.mems", "0"), ("cpu.weight", "300"),
            ("cpu.max", "50000 100000"), ("memory.min", "\(1 << 20)"),
            ("memory.low", "\(2 << 20)"), ("memory.high", "\(1 << 29)"),
            ("memory.max", "\(1 << 30)"), ("memory.swap.max", "0"), ("pids.max", "33"),
        ]
        for (file, value) in files { #expect(try control(before, file) == value, "\(file)") }
        let after = try outcome { bus.unit(name, then: $0) }.get()
        #expect(after.budget.contains(.allowedCPUs([1, 3])))
        #expect(after.budget.contains(.memoryMax(1 << 30)))
        try outcome {
            bus.restoreUnitProperties(
                before.budget, of: name, cpus: CPUSet(0..<8), nodes: [0, 1], then: $0)
        }.get()
        let restored = try outcome { bus.unit(name, then: $0) }.get()
        #expect(restored == before)
        #expect(try control(before, "memory.max") == "max")
        #expect(try control(before, "cpu.max") == "max 100000")
        // As wide as there is: the kernel takes no empty set while the unit has processes.
        #expect(try control(before, "cpuset.cpus") == "0-7")
        #expect(try control(before, "cpuset.mems") == "0-1")
    }

    @Test("a unit that is started, stopped and forgotten is told so")
    func watching() throws {
        let unit = try TransientUnit("poise-try-b", ["--collect"], ["sleep", "1000"])
        let name = "\(unit.name).service"
        var events: [UnitWatch.Event] = []
        let watch = try bus.watch(name) { events.append($0) }
        try run { !events.isEmpty }
        guard case .state(let state) = events[0] else {
            Issue.record("\(events)")
            return
        }
        let first = try #require(state.mainPID)
        #expect(try outcome { bus.perform(.restart, on: name, then: $0) }.get() == .done)
        let isNew = { (event: UnitWatch.Event) in
            if case .state(let state) = event {
                state.activeState == "active" && state.mainPID != nil && state.mainPID != first
            } else {
                false
            }
        }
        try run { events.contains(where: isNew) }
        #expect(try outcome { bus.perform(.stop, on: name, then: $0) }.get() == .done)
        try run { events.contains(.removed) }
        withExtendedLifetime(watch) {}
        let gone = try outcome { bus.unit(name, then: $0) }.get()
        #expect(gone.loadState == "not-found" && !gone.isRunning && gone.controlGroup == nil)
    }

    @Test("a unit that there is not is refused, and a job of it is an error")
    func missing() throws {
        let name = "poise-none.service"
        let set = try outcome { bus.setUnitProperties([.cpuWeight(1)], of: name, then: $0) }
        #expect(throws: SystemError.self) { try set.get() }
        let job = try outcome { bus.perform(.start, on: name, then: $0) }
        #expect(#expect(throws: SystemError.self) { try job.get() }?.errno == .noSuchFile)
    }

    @Test("a service that fails to start ends its job so")
    func failing() throws {
        _ = try Testbed.shell(
            """
            printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' \
                > /run/systemd/system/poise-false.service; systemctl daemon-reload
            """)
        let job = try outcome { bus.perform(.start, on: "poise-false.service", then: $0) }
        #expect(try job.get() == .failed("failed"))
        _ = try Testbed.shell(
            "rm /run/systemd/system/poise-false.service; systemctl daemon-reload")
    }
}

@Suite(.enabled(if: Testbed.isHere, "needs the testbed: POISE_TESTBED=1"), .serialized)
struct KernelSystemdServiceTests {
    /// Waits until the journal of a unit holds `text`, and gives the journal.
    private func journal(of unit: String, until text: String, _ format: String) throws -> String {
        var all = ""
        _ = try eventually {
            all = try Testbed.shell("journalctl --no-pager -o \(format) -u \(unit)")
            return all.contains(text)
        }
        return all
    }

    @Test("what was stored comes back to the next process, and its lines have fields")
    func store() throws {
        let options = [
            "-pType=notify", "-pFileDescriptorStoreMax=4", "-pRestart=always", "-pRestartSec=0",
            "-pNotifyAccess=main", "-pWatchdogSec=50",
        ]
        let words = [
            "facts", "read", "kept", "forget", "kept", "store", "kept", "the words", "ready", "up",
            "log", "a line", "test-event", "pause",
        ]
        let unit = try TransientUnit(
            "poise-try-c", options, [Repository.programs + "/service-probe"] + words)
        let first = try journal(of: unit.name, until: "a line", "cat")
        #expect(first.contains("there true\nwatchdog 50000\nagain 0\njournal true\ninherited []"))
        #expect(!first.contains("given"))
        #expect(try Testbed.shell("systemctl show -PStatusText \(unit.name)") == "up\n")
        #expect(try Testbed.shell("systemctl show -PNFileDescriptorStore \(unit.name)") == "1\n")
        _ = try Testbed.shell("systemctl kill -s KILL \(unit.name)")
        let second = try journal(of: unit.name, until: "kept holds the words", "cat")
        #expect(second.contains("given kept 1\nagain 0"))
        let lines = try journal(of: unit.name, until: "POISE_EVENT=test-event", "export")
        #expect(lines.contains("POISE_EVENT=test-event"))
        #expect(lines.contains("PRIORITY=5"))
    }
}

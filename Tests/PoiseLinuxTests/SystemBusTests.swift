import CSystemd
import Glibc
import PoiseModel
import Testing

@testable import PoiseLinux

/// An sd-bus server that stands for systemd at the other end of a socket pair, on the same thread.
private final class FakeSystemd {
    struct Call: Equatable {
        var path: String
        var member: String
        var text = ""
        var properties: [String] = []
    }

    private let bus: OpaquePointer
    private let socket: FileDescriptor
    private var serial = 0
    var calls: [Call] = []
    /// What `GetAll` answers for either interface.
    var general: [String: BusMessage.Value] = [:]
    var special: [String: BusMessage.Value] = [:]
    /// The result of every job; nil lets it run for ever.
    var jobResult: String? = "done"
    var isJobToldBeforeItsAnswer = false
    /// The error that answers everything.
    var refusal: String?
    var isSilent = false

    init(_ socket: FileDescriptor) throws {
        self.socket = socket
        var made: OpaquePointer?
        try #require(sd_bus_new(&made) >= 0)
        bus = try #require(made)
        let number = dup(socket.number)
        try #require(sd_bus_set_fd(bus, number, number) >= 0)
        var id = sd_id128_t()
        sd_id128_randomize(&id)
        try #require(sd_bus_set_server(bus, 1, id) >= 0)
        try #require(sd_bus_set_anonymous(bus, 1) >= 0)
        try #require(sd_bus_set_sender(bus, "org.freedesktop.systemd1") >= 0)
        try #require(sd_bus_start(bus) >= 0)
        let me = Unmanaged.passUnretained(self).toOpaque()
        let heard: sd_bus_message_handler_t = { message, context, _ in
            guard let message, let context else { return 0 }
            return Unmanaged<FakeSystemd>.fromOpaque(context).takeUnretainedValue().hear(message)
        }
        try #require(sd_bus_add_filter(bus, nil, heard, me) >= 0)
    }

    deinit { sd_bus_close_unref(bus) }

    func process() { while sd_bus_process(bus, nil) > 0 {} }

    func close() { shutdown(socket.number, Int32(SHUT_RDWR)) }

    func signal(_ member: String, _ interface: String, path: String, _ texts: [String]) throws {
        try send(signal: member, interface, path) { message throws(SystemError) in
            for text in texts { try message.write(text) }
        }
    }

    private func send(
        signal member: String, _ interface: String, _ path: String,
        write: (BusMessage) throws(SystemError) -> Void
    ) throws {
        var raw: OpaquePointer?
        try #require(sd_bus_message_new_signal(bus, &raw, path, interface, member) >= 0)
        let message = BusMessage(adopting: try #require(raw), member)
        try write(message)
        try #require(sd_bus_send(bus, message.pointer, nil) >= 0)
    }

    private func hear(_ raw: OpaquePointer) -> Int32 {
        guard let member = sd_bus_message_get_member(raw), let path = sd_bus_message_get_path(raw)
        else { return 0 }
        sd_bus_message_ref(raw)
        let message = BusMessage(adopting: raw, "a call")
        do {
            try answer(message, String(cString: path), String(cString: member))
        } catch { Issue.record(error) }
        return 1
    }

    private func answer(_ message: BusMessage, _ path: String, _ member: String) throws {
        var call = Call(path: path, member: member)
        if member != "Subscribe" { call.text = try message.readText() }
        if member == "SetUnitProperties" { call.properties = try properties(message) }
        calls.append(call)
        if isSilent { return }
        if let refusal {
            var error = sd_bus_error()
            sd_bus_error_set(&error, refusal, "so it is")
            sd_bus_reply_method_error(message.pointer, &error)
            sd_bus_error_free(&error)
            return
        }
        let job = "/job/\(serial)"
        let isJob = ["StartUnit", "StopUnit", "RestartUnit"].contains(member)
        if isJob { serial += 1 }
        if isJob, isJobToldBeforeItsAnswer { try end(job, call.text) }
        try reply(to: message) { reply throws(SystemError) in
            if member == "GetAll" {
                try write(call.text.hasSuffix(".Unit") ? general : special, to: reply)
            }
            if isJob { try reply.writePath(job) }
        }
        if isJob, !isJobToldBeforeItsAnswer { try end(job, call.text) }
    }

    private func end(_ job: String, _ unit: String) throws {
        guard let jobResult else { return }
        // Another job of the same unit ends as well.
        for path in ["/job/other", job] {
            try send(signal: "JobRemoved", Systemd.manager, Systemd.path) {
                message throws(SystemError) in
                var number: UInt32 = 7
                sd_bus_message_append_basic(message.pointer, CChar(UInt8(ascii: "u")), &number)
                try message.writePath(path)
                try message.write(unit)
                try message.write(path == job ? jobResult : "failed")
            }
        }
    }

    private func properties(_ message: BusMessage) throws -> [String] {
        var result: [String] = []
        var runtime: Int32 = 0
        sd_bus_message_read_basic(message.pointer, CChar(UInt8(ascii: "b")), &runtime)
        result.append("runtime \(runtime)")
        let (array, structure, variant) = (
            CChar(UInt8(ascii: "a")), CChar(UInt8(ascii: "r")), CChar(UInt8(ascii: "v"))
        )
        sd_bus_message_enter_container(message.pointer, array, "(sv)")
        while sd_bus_message_enter_container(message.pointer, structure, "sv") > 0 {
            let name = try message.readText()
            if sd_bus_message_enter_container(message.pointer, variant, "t") > 0 {
                result.append("\(name) \(try message.readNumber())")
            } else {
                sd_bus_message_enter_container(message.pointer, variant, "ay")
                result.append("\(name) \(try message.readBytes())")
            }
            sd_bus_message_exit_container(message.pointer)
            sd_bus_message_exit_container(message.pointer)
        }
        sd_bus_message_exit_container(message.pointer)
        return result
    }

    private func write(
        _ properties: [String: BusMessage.Value], to reply: BusMessage
    ) throws(SystemError) {
        try reply.write("a", of: "{sv}") { () throws(SystemError) in
            for (name, value) in properties {
                try reply.write("e", of: "sv") { () throws(SystemError) in
                    try reply.write(name)
                    switch value {
                    case .text(let text):
                        try reply.write("v", of: "s") { () throws(SystemError) in
                            try reply.write(text)
                        }
                    case .number(let number):
                        try reply.write("v", of: "t") { () throws(SystemError) in
                            try reply.write(number)
                        }
                    case .bytes(let bytes):
                        try reply.write("v", of: "ay") { () throws(SystemError) in
                            try reply.write(bytes)
                        }
                    }
                }
            }
            // One of a type that nobody asked for.
            try reply.write("e", of: "sv") { () throws(SystemError) in
                try reply.write("Flag")
                try reply.write("v", of: "as") { () throws(SystemError) in
                    try reply.write("a", of: "s") { () throws(SystemError) in
                        try reply.write("x")
                    }
                }
            }
        }
    }

    private func reply(
        to call: BusMessage, write: (BusMessage) throws(SystemError) -> Void
    ) throws {
        var raw: OpaquePointer?
        try #require(sd_bus_message_new_method_return(call.pointer, &raw) >= 0)
        let reply = BusMessage(adopting: try #require(raw), "an answer")
        try write(reply)
        try #require(sd_bus_send(bus, reply.pointer, nil) >= 0)
    }
}

extension BusMessage {
    fileprivate func writePath(_ path: String) throws(SystemError) {
        path.withCString {
            _ = sd_bus_message_append_basic(pointer, CChar(UInt8(ascii: "o")), $0)
        }
    }
}

@Suite struct SystemBusTests {
    private let fake: FakeSystemd
    private let bus: SystemBus

    init() throws {
        var numbers: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind | Int32(SOCK_NONBLOCK.rawValue), 0, &numbers) == 0)
        fake = try FakeSystemd(FileDescriptor(adopting: numbers[0], name: "the fake's end"))
        bus = try SystemBus(peer: FileDescriptor(adopting: numbers[1], name: "our end"))
    }

    /// Lets both sides speak until `isDone`.
    private func run(until isDone: () -> Bool) throws {
        let done = try eventually {
            fake.process()
            try bus.process()
            return isDone()
        }
        #expect(done)
    }

    private func outcome<Value>(
        _ ask: (@escaping (Result<Value, SystemError>) -> Void) -> Void
    ) throws -> Result<Value, SystemError> {
        var all: [Result<Value, SystemError>] = []
        ask { all.append($0) }
        try run { !all.isEmpty }
        #expect(all.count == 1)
        return all[0]
    }

    private static let running: [String: BusMessage.Value] = [
        "LoadState": .text("loaded"), "ActiveState": .text("active"), "SubState": .text("running"),
        "InvocationID": .bytes([UInt8](repeating: 0x0a, count: 16)),
    ]

    @Test("a unit's state is read with every property of its budget that it has")
    func state() throws {
        fake.general = Self.running
        fake.special = [
            "MainPID": .number(42), "ControlGroup": .text("/system.slice/a.service"),
            "CPUWeight": .number(.max), "AllowedCPUs": .bytes([0b1010_0001, 1]),
            "MemoryMax": .number(1 << 30), "MemoryMin": .text("wrong"), "Foo": .number(1),
        ]
        let state = try outcome { bus.unit("a-b.service", then: $0) }.get()
        #expect(
            state
                == UnitState(
                    name: "a-b.service", loadState: "loaded", activeState: "active",
                    subState: "running", mainPID: 42, controlGroup: "/system.slice/a.service",
                    invocation: String(repeating: "0a", count: 16),
                    budget: [.cpuWeight(nil), .allowedCPUs([0, 5, 7, 8]), .memoryMax(1 << 30)]))
        #expect(state.isRunning)
        let path = "/org/freedesktop/systemd1/unit/a_2db_2eservice"
        #expect(
            fake.calls == [
                .init(path: path, member: "GetAll", text: "org.freedesktop.systemd1.Unit"),
                .init(path: path, member: "GetAll", text: "org.freedesktop.systemd1.Service"),
            ])
    }

    @Test("properties are written in systemd's types, only until the next boot")
    func setting() throws {
        let result = try outcome {
            bus.setUnitProperties(
                [
                    .cpuWeight(200), .allowedCPUs([1, 9, 64]), .allowedMemoryNodes([]),
                    .cpuQuota(microsecondsPerSecond: nil), .memoryLow(0), .tasksMax(-1),
                ], of: "x.scope", then: $0)
        }
        #expect(throws: Never.self) { try result.get() }
        #expect(
            fake.calls == [
                .init(
                    path: Systemd.path, member: "SetUnitProperties", text: "x.scope",
                    properties: [
                        "runtime 1", "CPUWeight 200", "AllowedCPUs [2, 2, 0, 0, 0, 0, 0, 0, 1]",
                        "AllowedMemoryNodes []", "CPUQuotaPerSecUSec \(UInt64.max)", "MemoryLow 0",
                        "TasksMax 0",
                    ])
            ])
    }

    @Test("an empty set is first made as wide as the machine, where there is one")
    func emptySets() throws {
        try outcome {
            bus.restoreUnitProperties(
                [.cpuWeight(nil), .allowedCPUs([]), .allowedMemoryNodes([0])], of: "x.service",
                cpus: [0, 1], nodes: [0], then: $0)
        }.get()
        let weight = "CPUWeight \(UInt64.max)"
        #expect(
            fake.calls.map(\.properties) == [
                ["runtime 1", weight, "AllowedCPUs [3]", "AllowedMemoryNodes [1]"],
                ["runtime 1", weight, "AllowedCPUs []", "AllowedMemoryNodes [1]"],
            ])
        try outcome {
            bus.restoreUnitProperties(
                [.allowedCPUs([1])], of: "x.service", cpus: [0, 1], nodes: [0], then: $0)
        }.get()
        #expect(fake.calls.count == 3)
    }

    @Test(
        "what was read of a budget is what restores it",
        arguments: [
            UnitProperty.cpuWeight(nil), .cpuWeight(1), .allowedCPUs([]), .allowedCPUs([0, 127]),
            .allowedMemoryNodes([3]), .cpuQuota(microsecondsPerSecond: 5), .memoryMin(1),
            .memoryLow(2), .memoryHigh(3), .memoryMax(nil), .memorySwapMax(0), .ioWeight(100),
            .tasksMax(7),
        ])
    func restoring(property: UnitProperty) {
        let (name, value) = property.parts
        #expect(UnitProperty(name: name, value) == property)
        #expect(UnitProperty.names.contains(name))
    }

    @Test(
        "a refusal names the call, the unit, what systemd said and what to do",
        arguments: [
            ("org.freedesktop.systemd1.NoSuchUnit", Errno.noSuchFile, "list-units"),
            ("org.freedesktop.DBus.Error.AccessDenied", .accessDenied, "polkit"),
            ("org.freedesktop.DBus.Error.InvalidArgs", .invalid, "so it is"),
        ])
    func refusal(name: String, errno: Errno, advice: String) throws {
        fake.refusal = name
        let result = try outcome { bus.setUnitProperties([], of: "x.service", then: $0) }
        let error = #expect(throws: SystemError.self) { try result.get() }
        #expect(error?.call == "SetUnitProperties")
        #expect(error?.subject == "x.service")
        #expect(error?.errno == errno)
        #expect(error?.advice?.contains("so it is") == true)
        #expect(error?.advice?.contains(advice) == true)
    }

    @Test(
        "nothing but a unit's name is put into a rule or a path",
        arguments: [
            "", "nginx", ".service", "a'b.service", "a/b.service", "a,b.service", "a b.service",
            "a.timer", "ä.service", "a\0.service", String(repeating: "a", count: 256) + ".service",
        ])
    func names(name: String) throws {
        let result = try outcome { bus.unit(name, then: $0) }
        #expect(#expect(throws: SystemError.self) { try result.get() }?.errno == .invalid)
        let job = try outcome { bus.perform(.stop, on: name, then: $0) }
        #expect(throws: SystemError.self) { try job.get() }
        #expect(throws: SystemError.self) { try bus.watch(name) { _ in } }
        #expect(fake.calls.isEmpty)
    }

    @Test(
        "a job is told at its own end, not at another's",
        arguments: [
            ("done", JobEnd.done), ("canceled", .cancelled), ("timeout", .failed("timeout")),
        ])
    func jobs(word: String, end: JobEnd) throws {
        fake.jobResult = word
        for isEarly in [false, true] {
            fake.isJobToldBeforeItsAnswer = isEarly
            let result = try outcome { bus.perform(.restart, on: "x.service", then: $0) }
            #expect(try result.get() == end)
        }
        #expect(fake.calls.map(\.member) == ["Subscribe", "RestartUnit", "RestartUnit"])
        #expect(bus.timeout == nil)
    }

    @Test("a job that does not end, and an answer that does not come, are told at their deadlines")
    func deadlines() throws {
        fake.jobResult = nil
        let job = try outcome {
            bus.perform(.start, on: "x.service", deadline: .milliseconds(20), then: $0)
        }
        #expect(#expect(throws: SystemError.self) { try job.get() }?.errno == .timedOut)
        fake.isSilent = true
        let call = try outcome {
            bus.setUnitProperties([], of: "x.service", deadline: .milliseconds(20), then: $0)
            #expect(bus.timeout != nil)
        }
        #expect(#expect(throws: SystemError.self) { try call.get() }?.errno == .timedOut)
    }

    @Test("a watch tells the state at first and after changes of its unit, and its removal")
    func watching() throws {
        fake.general = Self.running
        var events: [UnitWatch.Event] = []
        var watch: UnitWatch? = try bus.watch("x.service") { events.append($0) }
        try run { events.count == 1 }
        fake.general["ActiveState"] = .text("failed")
        let path = try Systemd.path(of: "x.service")
        try fake.signal("PropertiesChanged", Systemd.properties, path: "/other", [])
        try fake.signal("PropertiesChanged", Systemd.properties, path: path, [])
        try run { events.count == 2 }
        try fake.signal("UnitRemoved", Systemd.manager, path: Systemd.path, ["y.service", "/y"])
        try fake.signal("UnitRemoved", Systemd.manager, path: Systemd.path, ["x.service", "/x"])
        try run { events.count == 3 }
        let states = events.prefix(2).compactMap {
            if case .state(let state) = $0 { state.activeState } else { nil }
        }
        #expect(states == ["active", "failed"])
        #expect(events.last == .removed)
        withExtendedLifetime(watch) {}
        watch = nil
        try fake.signal("PropertiesChanged", Systemd.properties, path: path, [])
        _ = try outcome { bus.unit("x.service", then: $0) }
        #expect(events.count == 3)
    }

    @Test("when the connection is lost everybody who waits is told, and then the owner")
    func loss() throws {
        fake.isSilent = true
        var errors: [SystemError] = []
        bus.setUnitProperties([], of: "x.service") {
            if case .failure(let e) = $0 { errors.append(e) }
        }
        bus.perform(.start, on: "y.service") { if case .failure(let e) = $0 { errors.append(e) } }
        try run { fake.calls.count == 3 }
        fake.close()
        #expect(throws: SystemError.self) {
            _ = try eventually {
                try bus.process(); return false
            }
        }
        #expect(Set(errors.map(\.subject)) == ["x.service", "y.service"])
        #expect(errors.count == 2)
        bus.unit("x.service") { if case .failure(let e) = $0 { errors.append(e) } }
        #expect(errors.count == 3)
    }

    @Test("what waits for answers is freed with the connection, and what has them before")
    func freeing() throws {
        final class Token {}
        weak var answered: Token?
        weak var waiting: Token?
        weak var listening: Token?
        do {
            let (reading, writing) = try LocalSocket.messagePair()
            withExtendedLifetime(reading) {}
            let other = try SystemBus(peer: writing)
            let (first, second, third) = (Token(), Token(), Token())
            (answered, waiting, listening) = (first, second, third)
            _ = try outcome { then in
                bus.setUnitProperties([], of: "x.service") { [first] result in
                    withExtendedLifetime(first) { then(result) }
                }
            }
            other.setUnitProperties([], of: "x.service") { [second] _ in
                withExtendedLifetime(second) {}
            }
            let watch = try other.watch("x.service") { [third] _ in
                withExtendedLifetime(third) {}
            }
            #expect(waiting != nil)
            withExtendedLifetime(watch) {}
        }
        #expect(answered == nil)
        #expect(waiting == nil)
        #expect(listening == nil)
    }

    @Test("the loop is told what to wait for")
    func polling() throws {
        try run { bus.events == [.read] }
        var epoll: Epoll? = try Epoll()
        try epoll?.add(bus.descriptor, token: 1, bus.events)
        #expect(try epoll?.wait(timeout: .zero).isEmpty == true)
        var isThere = false
        bus.unit("x.service") { _ in isThere = true }
        #expect(bus.timeout != nil)
        while !isThere {
            fake.process()
            try epoll?.modify(bus.descriptor, token: 1, bus.events)
            let ready = try epoll?.wait(timeout: Running.patience)
            #expect(ready?.isEmpty == false)
            try bus.process()
        }
        #expect(bus.timeout == nil)
        epoll = nil
    }
}

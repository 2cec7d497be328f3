import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct KernelEventTests {
    private static let offline =
        "offline@/devices/system/cpu/cpu7\0ACTION=offline\0DEVPATH=/devices/system/cpu/cpu7\0"
        + "SUBSYSTEM=cpu\0DRIVER=processor\0MODALIAS=cpu:type:x86,ven0000=yes\0SEQNUM=1290\0"

    @Test("a message of the kernel's is an event")
    func parsing() {
        let event = KernelEventFormat.parse(Array(Self.offline.utf8))
        #expect(
            event
                == KernelEvent(
                    action: .offline, subsystem: "cpu", path: "/devices/system/cpu/cpu7"))
        #expect(event?.cpu == 7 && event?.node == nil)
    }

    @Test(
        "what is not whole, or says two things, is no event",
        arguments: [
            "", "\0", "@\0", "offline@/a\0", "libudev\0\u{1}\u{2}", "offline@/a",
            "offline@/a\0ACTION=offline\0DEVPATH=/a\0SUBSYSTEM=cpu",
            "offline@/a\0ACTION=online\0DEVPATH=/a\0SUBSYSTEM=cpu\0",
            "offline@/b\0ACTION=offline\0DEVPATH=/a\0SUBSYSTEM=cpu\0",
            "offline@/a\0ACTION=offline\0DEVPATH=/a\0SUBSYSTEM=cpu\0SUBSYSTEM=cpu\0",
            "offline@/a\0ACTION=offline\0DEVPATH=/a\0SUBSYSTEM=cpu\0nothing\0",
            "explode@/a\0ACTION=explode\0DEVPATH=/a\0SUBSYSTEM=cpu\0",
            "add@a\0ACTION=add\0DEVPATH=a\0SUBSYSTEM=cpu\0", "add@/a\0ACTION=add\0DEVPATH=/a\0\0",
            "add@/a\0ACTION=add\0SUBSYSTEM=cpu\0",
        ])
    func hostile(text: String) { #expect(KernelEventFormat.parse(Array(text.utf8)) == nil) }

    @Test("no cut and no changed byte of a message does harm")
    func damage() {
        let whole = Array(Self.offline.utf8)
        let event = KernelEventFormat.parse(whole)
        for count in 0..<whole.count {
            let cut = KernelEventFormat.parse(whole.prefix(count))
            // Cut between two fields behind those that count it is still the same.
            #expect(cut == nil || cut == event)
            var changed = whole
            changed[count] = 0xFF
            _ = KernelEventFormat.parse(changed)
            changed[count] = 0
            _ = KernelEventFormat.parse(changed)
        }
        #expect(KernelEventFormat.parse([UInt8](repeating: 0, count: 1 << 20)) == nil)
        #expect(KernelEventFormat.parse([UInt8](repeating: 64, count: 1 << 20)) == nil)
    }

    @Test(
        "only a name with a number is a CPU's or a node's",
        arguments: [
            ("cpu", "/devices/system/cpu/cpu12", 12, nil),
            ("node", "/devices/system/node/node1", nil, 1),
            ("cpu", "/devices/system/cpu/cpufreq", nil, nil),
            ("cpu", "/devices/system/cpu", nil, nil),
            ("cpu", "/", nil, nil), ("memory", "/devices/system/memory/memory8", nil, nil),
            ("cpu", "/x/cpu-1", nil, nil), ("cpu", "/x/cpu99999999999999999999", nil, nil),
        ] as [(String, String, Int?, Int?)])
    func numbers(subsystem: String, path: String, cpu: Int?, node: Int?) {
        let event = KernelEvent(action: .online, subsystem: subsystem, path: path)
        #expect(event.cpu == cpu && event.node == node)
    }

    @Test("what a process sends is not believed")
    func forgery() throws {
        let events = try KernelEvents()
        let other = try KernelEvents()
        // To the port of the listener, which getsockname tells.
        var address = [UInt32](repeating: 0, count: 3)
        var size = socklen_t(12)
        let bytes = Array(Self.offline.utf8)
        let sent = address.withUnsafeMutableBytes { address in
            address.withMemoryRebound(to: sockaddr.self) { address in
                getsockname(events.descriptor.number, address.baseAddress, &size)
                return sendto(
                    other.descriptor.number, bytes, bytes.count, 0, address.baseAddress, size)
            }
        }
        // Where a user may send at all, it arrives and is dropped.
        if sent > 0 { try waitFor(events.descriptor) }
        let received = try events.receive()
        #expect(!received.events.contains { $0.cpu == 7 })
    }
}

@Suite(.enabled(if: Testbed.isHere, "needs the testbed: POISE_TESTBED=1"), .serialized)
struct KernelCPUEventTests {
    private func set(_ cpu: Int, online: Bool) throws {
        try FileDescriptor.open("/sys/devices/system/cpu/cpu\(cpu)/online", O_WRONLY)
            .writeAll(Array((online ? "1" : "0").utf8))
    }

    @Test("a CPU that goes and comes back is told in this order")
    func hotplug() throws {
        let events = try KernelEvents()
        #expect(try events.receive() == .init())
        try set(7, online: false)
        try set(7, online: true)
        var told: [KernelEvent] = []
        while told.filter({ $0.cpu == 7 && [.online, .offline].contains($0.action) }).count < 2 {
            try waitFor(events.descriptor)
            let received = try events.receive()
            #expect(!received.missedSome)
            told += received.events
        }
        let actions = told.filter { $0.cpu == 7 }.map(\.action)
        #expect(actions.filter { [.online, .offline].contains($0) } == [.offline, .online])
    }

    @Test("more than is kept is told as missed, and what comes after that is heard")
    func overflow() throws {
        let events = try KernelEvents(bufferBytes: 1)
        for _ in 0..<20 {
            try set(6, online: false)
            try set(6, online: true)
        }
        try waitFor(events.descriptor)
        #expect(try events.receive().missedSome)
        while try events.receive() != .init() {}
        try set(6, online: false)
        try waitFor(events.descriptor)
        #expect(try events.receive().events.contains { $0.action == .offline && $0.cpu == 6 })
        try set(6, online: true)
    }
}

import Glibc
import PoiseModel
import PoiseWire
import Testing

// Real hosts with plugins in C and in Swift, in their sandboxes.
@Suite(.enabled(if: Programs.compiler != nil, "no C compiler `cc` on PATH"))
struct BusHostTests {
    @Test func `Killed in the middle, either side goes on, and each message counts once`() throws {
        let link = try KeptLink("w", "r", route: "numbers", ringBytes: 16 << 10)
        let total: UInt64 = 400_000
        func writer() throws -> HostProcess {
            let sent = try link.sent()
            return try HostProcess.started(
                try Programs.plugin("bus_writer"),
                config: [
                    "first": .integer(Int(sent)), "count": .integer(Int(total - min(sent, total))),
                ]
            ) { host in
                try link.attach(.producer, to: host)
                host.tell(.busRoutes(BusTable(generation: 1, rows: [link.row(["numbers"])])))
            }
        }
        func reader() throws -> HostProcess {
            try HostProcess.started(try Programs.plugin("bus_reader")) { host in
                try link.attach(.consumer, to: host)
            }
        }
        var sender = try writer()
        var receiver = try reader()
        for round in 0..<8 {
            usleep(UInt32(5000 + round * 3000))
            if round % 2 == 0 {
                try sender.crash()
                sender = try writer()
            } else {
                try receiver.crash()
                receiver = try reader()
            }
        }
        let deadline = Instant.now + .seconds(60)
        while try link.sent() < total, Instant.now < deadline { usleep(10_000) }
        // Each look takes the link up as a next reader would, so it waits for the reader's end.
        usleep(300_000)
        receiver.tell(.stop)
        _ = try receiver.end()
        try sender.crash()
        let sent = try link.sent()
        #expect(sent == total)
        #expect(try link.state() == [total, 0])
    }

    @Test func `A request is answered by another process, or late when that one is gone`() throws {
        let there = try KeptLink("asker", "doubler", route: "ask")
        let back = try KeptLink("doubler", "asker", route: "reply")
        let asker = try HostProcess.started(try Programs.plugin("bus_asker")) { host in
            try there.attach(.producer, to: host)
            host.tell(.busRoutes(BusTable(generation: 1, rows: [there.row(["double"])])))
        }
        #expect(try asker.gauges() == ["code": 7])
        try back.attach(.consumer, to: asker)
        #expect(try asker.gauges() == ["code": 9])
        func doubler() throws -> HostProcess {
            try HostProcess.started(try Programs.plugin("bus_doubler")) { host in
                try there.attach(.consumer, to: host)
                try back.attach(.producer, to: host)
            }
        }
        let first = try doubler()
        #expect(try asker.gauges() == ["answer": 42])
        try first.crash()
        #expect(try asker.gauges() == ["code": 9])
        let second = try doubler()
        #expect(try asker.gauges() == ["answer": 42])
        second.tell(.stop)
        #expect(try second.end().exit == .code(0))
        asker.tell(.stop)
        #expect(try asker.end().exit == .code(0))
    }

    @Test func `A plugin in C and one in Swift talk, and a digest counts what came`() throws {
        let folder = try Programs.scratchFolder() + "/digest-\(getpid())"
        mkdir(folder, 0o700)
        let library = try Programs.library("digest")
        let link = try KeptLink("windows", "digest", route: "results", ringBytes: 16 << 10)
        func digest() throws -> HostProcess {
            try HostProcess.started(
                library, config: ["burst": ["count": 3]], stateFolder: folder,
                sandbox: ["--write", folder]
            ) { host in try link.attach(.consumer, to: host) }
        }
        let sender = try HostProcess.started(try Programs.plugin("bus_windows")) { host in
            try link.attach(.producer, to: host)
            host.tell(
                .busRoutes(BusTable(generation: 1, rows: [link.row(["windows", "anomalies"])])))
        }
        var receiver = try digest()
        sender.tell(.sample)
        _ = try sender.news { if case .report = $0 { true } else { false } }
        let burst = try receiver.news { if case .event = $0 { true } else { false } }.last
        #expect(
            burst
                == .event(
                    name: "anomaly-burst",
                    fields: [.init("count", "3"), .init("from", "windows")]))
        let deadline = Instant.now + .seconds(20)
        while try receiver.gauges()["received"] != 307, Instant.now < deadline { usleep(20_000) }
        // What it counted before it died counts after it.
        try receiver.crash()
        receiver = try digest()
        sender.tell(.sample)
        _ = try sender.news { if case .report = $0 { true } else { false } }
        while try receiver.gauges()["counted"] != 614, Instant.now < deadline { usleep(20_000) }
        receiver.tell(.drain(milliseconds: 5000))
        receiver.tell(.stop)
        #expect(try receiver.end().exit == .code(0))
        let text = try Programs.text(of: folder + "/digest.json")
        let file = try JSON.parse(Array(text.utf8))
        let source = file["sources"]?.array?.first
        #expect(source?["from"]?.string == "windows")
        #expect(source?["windows"]?.integer == 600)
        #expect(source?["events"]?.integer == 6000)
        #expect(source?["anomalies"]?.integer == 14)
        #expect(source?["series"]?.array?.map { $0["series"]?.string } == ["k0", "k1", "k2"])
        #expect(source?["series"]?.array?.map { $0["windows"]?.integer } == [200, 200, 200])
        #expect(source?["series"]?.array?.first?["newest"]?["mean"]?.number == 0.5)
    }

    @Test func `Damage is told once, and the plugin lives on`() throws {
        let bad = try KeptLink("a", "tried", route: "bad")
        let host = try HostProcess.started(try Programs.plugin("bus_reader")) { host in
            try bad.attach(.consumer, to: host)
        }
        try bad.scribble()
        let news = try host.next()
        guard case .busDamaged("bad:a>tried", true, let text) = news else {
            Issue.record("\(String(describing: news))")
            return
        }
        #expect(text.contains("lane 0"))
        host.tell(.checkHealth)
        #expect(try host.next() == .health(.good))
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
    }

    @Test func `A link is left when it is asked for, and one that is unknown at once`() throws {
        let link = try KeptLink("a", "tried", route: "r")
        let host = try HostProcess.started(try Programs.plugin("bus_reader")) { host in
            try link.attach(.consumer, to: host)
        }
        for name in [link.name, "r:x>y"] {
            host.tell(.busDetach(link: name))
            #expect(try host.next() == .busDetached(link: name))
        }
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
    }

    @Test func `Memory that is not a link's is refused and told`() throws {
        let link = try KeptLink("a", "tried", route: "r")
        let host = try HostProcess.started(try Programs.plugin("bus_reader"))
        host.tell(
            .busAttach(
                BusAttachment(
                    link: link.name, incarnation: 1, role: .consumer, route: "r",
                    peer: try #require(FeatureID("a")), ringBytes: 4096, full: .dropNewest,
                    wait: .block, producerIndex: nil)), [0, 1])
        guard case .busDamaged(link.name, false, _) = try host.next() else {
            Issue.record("it was not told")
            return
        }
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
    }
}

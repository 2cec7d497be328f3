import CatalogueKit
import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// The whole catalogue of bad plugins (Tests/Catalogue), each beside two victims at work.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct CatalogueTests {
    /// A bad plugin with its victims, up to the moment of its harm.
    private struct Scene {
        let daemon: DaemonUnderTest
        let plugin: BadPlugin
        let pids: [String: ProcessID]

        init(_ plugin: BadPlugin) throws {
            self.plugin = plugin
            let folder = try DaemonUnderTest.makeFolder()
            var policy = CataloguePolicy(
                plugins: try CataloguePlugins.folder.get(), bad: plugin,
                cpus: sysconf(Int32(_SC_NPROCESSORS_ONLN)), socket: folder + "/run/control.sock")
            policy.swiftPlugins = Repository.programs
            policy.after = 700
            policy.period = 5000
            policy.work = 5000
            policy.failures = plugin.isSlow ? 1 : 3
            let daemon = try DaemonUnderTest(policy.text, ["--start-within", "30"], folder: folder)
            var pids: [String: ProcessID] = [:]
            for victim in CataloguePolicy.victims {
                try daemon.waitForState(victim, "running")
                pids[victim] = try daemon.pid(victim)
            }
            self.daemon = daemon
            self.pids = pids
        }

        /// A file of a feature in its state folder.
        func kept(_ feature: String, _ file: String) -> String {
            Repository.text(daemon.folder + "/state/\(feature)/\(file)") ?? ""
        }

        var hasHarmed: Bool { !HarmStamp.all(in: kept(CataloguePolicy.bad, "harm")).isEmpty }

        func hasTold(_ kind: String) -> Bool {
            // Of a link its other end tells.
            daemon.log.contains(kind == "bus" ? "bus: " : "bad: \(kind): ")
        }

        /// What only harms when it is stopped is stopped once its moment has come.
        func waitForHarm() throws {
            if case .stops = plugin.fate {
                try daemon.waitForState(CataloguePolicy.bad, "running")
                usleep(1_000_000)
                _ = try daemon.call(.featureStop, ["feature": .string(CataloguePolicy.bad)])
            }
            try daemon.wait("\(plugin) harms") { hasHarmed }
        }

        func waitForFate() throws {
            switch plugin.fate {
            case .opens, .neverStarts: try daemon.wait("it opens") { hasTold("opened") }
            case .stops: try daemon.waitForState(CataloguePolicy.bad, "stopped")
            case .runsOn:
                usleep(1_500_000)
                #expect(try daemon.state(CataloguePolicy.bad) == "running")
            }
            try daemon.wait("it tells of \(plugin)") {
                plugin.told.isEmpty || plugin.told.contains(where: hasTold)
            }
            try expectGoodBus()
        }

        func expectUnharmedVictims() throws {
            for victim in CataloguePolicy.victims {
                let status = try daemon.status(of: victim)
                #expect(status?["state"] == "running")
                #expect(status?["restarts"] == 0)
                #expect(status?["drifted"] == 0)
                #expect(status?["lastProblem"] == .null)
                #expect(try daemon.pid(victim) == pids[victim])
            }
        }

        /// What is wrong with its link is told, the link is made anew, and no other notices.
        func expectGoodBus() throws {
            guard let role = plugin.busRole else { return }
            try daemon.waitForLog("bus: \(role.link) is damaged: ")
            try daemon.waitForLog("bus: \(role.link) is made anew")
            try daemon.waitForLog("bad: failed: wrote what cannot be into \(role.link)")
            let last = HarmStamp.all(in: kept(CataloguePolicy.bad, "harm")).last?.at ?? 0
            func messages() -> VictimMessages {
                VictimMessages(kept(CataloguePolicy.shared, "between"))
            }
            try daemon.wait("messages come after the harm") { messages().came(after: last) > 50 }
            #expect(messages().wrong == 0)
        }

        /// Nothing of it is left in this machine, once all that was killed has had time to end.
        func expectNothingLeft() {
            var left: [ProcessID] = []
            for _ in 0..<1000 {
                left = ProcessTree.childrenByParent().values.joined().filter { pid in
                    ProcessFiles.text("/proc/\(pid)/cmdline")?.contains(daemon.folder) ?? false
                }
                if left.isEmpty { return }
                usleep(10_000)
            }
            Issue.record("\(plugin) left \(left.count) processes")
        }
    }

    @Test("a bad plugin harms nobody and ends as its policy says", arguments: BadPlugin.all)
    func harmsNobody(plugin: BadPlugin) throws {
        let scene = try Scene(plugin)
        try scene.waitForHarm()
        try scene.waitForFate()
        try scene.expectUnharmedVictims()
        #expect(try scene.daemon.stop() == .exited(code: 0))
        for victim in CataloguePolicy.victims {
            let work = VictimLatencies(scene.kept(victim, "latencies"))
            #expect(work.isWhole && work.done > 100, "\(victim) did \(work.done) pieces")
            #expect(scene.kept(victim, "starts") == "started\nstopped\n")
        }
        scene.expectNothingLeft()
        unlinkShared()
    }

    @Test(
        "a report that cannot be is left out",
        arguments: BadPlugin.all.filter { $0.library == "lie" })
    func reportsAreTamed(plugin: BadPlugin) throws {
        let scene = try Scene(plugin)
        try scene.waitForHarm()
        try scene.daemon.wait("a report came after the harm") {
            let report = try scene.daemon.status(of: CataloguePolicy.bad)?["report"]
            return report?["utilisation"]?.number != 0.1
        }
        let report = try scene.daemon.status(of: CataloguePolicy.bad)?["report"]
        #expect(report?["utilisation"]?.number.map { (0...1).contains($0) } ?? true)
        #expect(report?["queueDepth"]?.integer.map { $0 >= 0 } ?? true)
        // What it wants of the others it does not get.
        let shared = try scene.daemon.allocation(CataloguePolicy.shared)?["millicores"]?.integer
        #expect((shared ?? 0) >= 200)
        #expect(try scene.daemon.stop() == .exited(code: 0))
    }

    /// Where Landlock does not hold it, it could write there.
    private func unlinkShared() {
        for path in Repository.files("/dev/shm", ending: "")
        where path.contains("/poise-catalogue-") {
            unlink(path)
        }
    }
}

/// The libraries of the catalogue, built once.
enum CataloguePlugins {
    static let folder = Result { () throws in
        let folder = Repository.programs + "/catalogue-c"
        var request = SpawnRequest(
            program: Repository.root + "/Tests/Catalogue/build-plugins", arguments: [folder])
        request.environment = OwnEnvironment.variables
        let child = try ChildProcess.spawn(request)
        var end: ProcessEnd?
        while end == nil {
            usleep(5000)
            end = try child.reap()
        }
        try #require(end == .exited(code: 0), "Tests/Catalogue/build-plugins failed")
        return folder
    }
}

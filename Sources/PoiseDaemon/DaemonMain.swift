import Glibc
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoisePolicyFile
import PoiseWire

/// What `poised` does from its command line to its exit code.
package enum DaemonMain {
    /// Exit codes: 0 done, 1 it cannot run, 2 wrong use, 100 the policy has mistakes.
    package static func run(_ arguments: [String]) -> Int32 {
        do throws(DaemonOptions.Stop) {
            let options = try DaemonOptions(
                arguments, environment: RuntimeFolder.environment, isRoot: getuid() == 0)
            if options.givesBack {
                return GiveBack.run(options.runtimeFolder) { say($0) }
            }
            return run(options)
        } catch {
            switch error {
            case .print(let text):
                _ = Array(text.utf8).withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
                return 0
            case .wrongUse(let text):
                say("wrong use: \(text) (see poised --help)")
                return 2
            }
        }
    }

    private static func run(_ options: DaemonOptions) -> Int32 {
        let program = programFolder()
        // The environment is changed before there is another thread.
        let service = SystemdService()
        let inherited: Inherited
        do throws(SystemError) {
            inherited = Inherited(try service.takeDescriptors())
        } catch {
            say("\(error)")
            return 1
        }
        guard let path = options.policyPath ?? defaultPolicy(near: program) else {
            say("there is no default policy here (give one with --policy FILE)")
            return 2
        }
        let reading = Policy.read(path: path)
        for mistake in reading.mistakes { say("\(mistake)") }
        guard let policy = reading.policy else {
            let why = reading.errors.first.map { "\($0)" } ?? "\(path) has mistakes"
            inherited.listener.map { ControlServer.refuseAll($0, "poised does not start: \(why)") }
            // Starting again would not mend it.
            return 100
        }
        do {
            // Hosts inherit it and must not be ended by a pipe that nobody reads.
            signal(SIGPIPE, SIG_IGN)
            let machine = try LocalMachine.discover()
            let launcher = HostLauncher(
                host: program + "/poise-host",
                plugins: PluginSearch(
                    options: options.pluginFolders, environment: RuntimeFolder.environment,
                    programFolder: program),
                runtimeFolder: options.runtimeFolder, stateFolder: options.stateFolder,
                hidden: ["/etc/poise", options.runtimeFolder, path].map(DaemonOptions.absolute))
            let daemon = try Daemon(
                options: options, machine: machine, policy: policy, policyPath: path,
                launcher: launcher, service: service, inherited: inherited)
            try daemon.run()
            return 0
        } catch {
            say("\(error)")
            return 1
        }
    }

    private static func say(_ text: String) {
        _ = Array("poised: \(text)\n".utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    /// The folder that this program is in (`/proc/self/exe`).
    private static func programFolder() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBufferPointer { bytes in
            bytes.baseAddress.map { start in
                start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    readlink("/proc/self/exe", $0, bytes.count)
                }
            } ?? 0
        }
        let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }

    /// The policy of this host, or the one that is installed or that the checkout has.
    private static func defaultPolicy(near program: String) -> String? {
        let folders = ShippedFolder.places(
            of: "Policies", named: RuntimeFolder.environment("POISE_POLICIES"),
            executable: program + "/poised")
        let places = ["/etc/poise/policy.yaml"] + folders.map { $0 + "/default.yaml" }
        return places.first { access($0, R_OK) == 0 }
    }
}

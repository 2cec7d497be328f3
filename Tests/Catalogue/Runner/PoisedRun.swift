import Glibc
import PoiseLinux
import PoiseModel
import PoiseWire

/// A poised that a bad plugin runs under: one of the runner's own, or the installed service.
final class PoisedRun {
    let folder: String
    private let settings: Settings
    private var child: ChildProcess?
    private(set) var pid: ProcessID = 0

    init(_ settings: Settings) throws {
        self.settings = settings
        var template = Array("/tmp/poise-catalogue-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw RunProblem("mkdtemp", "\(Errno(errno))") }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Features of a poised that is root may run as another user.
        chmod(folder, 0o755)
    }

    var socket: String { RuntimeFolder.socket(in: runtime) }
    private var runtime: String { settings.isService ? "/run/poise" : folder + "/run" }
    private var state: String { settings.isService ? "/var/lib/poise" : folder + "/state" }
    private var policyPath: String {
        settings.isService ? "/etc/poise/policy.yaml" : folder + "/policy.yaml"
    }

    /// A file in the state folder of a feature; empty when it is not there.
    func kept(_ feature: String, _ file: String) -> String {
        ProcessFiles.text("\(state)/\(feature)/\(file)") ?? ""
    }

    func start(_ policy: String) throws {
        if settings.isService {
            // What earlier runs left would be taken for this one's.
            try Programs.run("/bin/sh", ["-c", "rm -rf \(state)/* /run/poise/logs"])
        }
        let file = try FileDescriptor.open(policyPath, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.writeAll(Array(policy.utf8))
        if settings.isService { return try Programs.run("systemctl", ["start", "poised"]) }
        var request = SpawnRequest(program: (settings.programs ?? Programs.own) + "/poised")
        request.arguments = [
            "--policy", policyPath, "--runtime-dir", runtime, "--state-dir", state,
            "--backend", settings.backend, "--start-within", "60",
        ]
        request.environment = OwnEnvironment.variables
        let log = try FileDescriptor.open(folder + "/log", O_WRONLY | O_CREAT, mode: 0o600)
        request.descriptors[1] = log
        request.descriptors[2] = log
        child = try ChildProcess.spawn(request)
    }

    /// Asks; nil when nobody answers.
    func ask(_ method: ControlMethod, _ parameters: JSON = .object([])) -> JSON? {
        do throws(ControlError) {
            var client = try ControlClient(socket: socket)
            let reply = try client.call(ControlCall(method.rawValue, parameters))
            return reply.failure == nil ? reply.parameters : nil
        } catch {
            return nil
        }
    }

    /// Notes who answers; false when nobody does, or somebody else than before.
    func isSame(_ status: JSON?) -> Bool {
        guard let found = status?["pid"]?.integer.flatMap(ProcessID.init(exactly:)) else {
            return false
        }
        if pid == 0 { pid = found }
        return pid == found
    }

    /// The most that it has had resident so far, in MiB (`VmHWM`).
    var residentMiB: Double? {
        let text = ProcessFiles.text("/proc/\(pid)/status") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        return words.count > 1 ? Double(words[1]).map { $0 / 1024 } : nil
    }

    /// Ends it in order; nil when it did, else what was wrong.
    func stop() throws -> String? {
        if settings.isService {
            try Programs.run("systemctl", ["stop", "poised"])
            return nil
        }
        guard let child else { return nil }
        self.child = nil
        if let end = try child.reap() { return "it had ended: \(end)" }
        try child.signal(SIGTERM)
        let last = MonotonicClock.now + .seconds(30 * settings.slowness)
        while MonotonicClock.now < last {
            if let end = try child.reap() {
                return end == .exited(code: 0) ? nil : "it ended with \(end)"
            }
            usleep(10_000)
        }
        try child.signal(SIGKILL)
        return "it did not end within \(Int(30 * settings.slowness)) s"
    }

    /// Removes what the run left: nobody else takes away what a bad one put into /dev/shm.
    func clean() throws {
        let folder = settings.keeps ? "" : folder
        try Programs.run("/bin/sh", ["-c", "rm -rf /dev/shm/poise-catalogue-* \(folder)"])
    }
}

/// What went wrong with the run itself, and not with what is measured.
struct RunProblem: Error, CustomStringConvertible {
    var description: String
    init(_ what: String, _ why: String) { description = "\(what) failed: \(why)" }
}

/// Programs that are run to their end.
enum Programs {
    /// The folder of this program (`/proc/self/exe`).
    static var own: String {
        guard let path = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(path) }
        let parts = String(cString: path).split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }

    static func run(_ program: String, _ arguments: [String]) throws {
        var request = SpawnRequest(program: program, arguments: arguments)
        request.environment = OwnEnvironment.variables
        request.descriptors[2] = FileDescriptor(adopting: dup(2), name: "errors")
        let child = try ChildProcess.spawn(request)
        var end: ProcessEnd?
        while end == nil {
            usleep(5000)
            end = try child.reap()
        }
        guard end == .exited(code: 0) else {
            throw RunProblem(
                "\(program) \(arguments.joined(separator: " "))",
                end.map { "\($0)" } ?? "it ended")
        }
    }
}

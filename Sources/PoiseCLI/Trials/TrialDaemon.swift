import Glibc
import PoiseModel
import PoiseWire

/// A daemon of its own for a benchmark: with a policy, in a folder that goes when it goes.
final class TrialDaemon {
    private let folder: String
    private var program: BackgroundProgram?
    private let call: DaemonCall

    /// Starts `poised`, which is found beside this program, and waits until all features run.
    init(policy: String, backend: String = "affinity") throws(CommandFailure) {
        folder = try TrialDaemon.makeFolder()
        call = DaemonCall(runtimeFolder: folder + "/run")
        do throws(CommandFailure) {
            try OutputFolder.write(policy, to: folder + "/policy.yaml")
            try start(backend)
            try waitUntil("all features run", within: .seconds(20)) { status in
                (status["features"]?.array ?? []).allSatisfy { $0["state"] == "running" }
            }
        } catch {
            throw withLog(error)
        }
    }

    private static func makeFolder() throws(CommandFailure) -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/poise-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure(
                .no, "making a folder failed on \(parent): \(Errno(errno)) (set TMPDIR)")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func start(_ backend: String) throws(CommandFailure) {
        guard let beside = InputFile.programFolder else {
            throw CommandFailure(.no, "finding poised failed: /proc/self/exe cannot be read")
        }
        let path = beside + "/poised"
        do throws(Errno) {
            program = try BackgroundProgram(
                path,
                [
                    "--policy", folder + "/policy.yaml", "--runtime-dir", folder + "/run",
                    "--state-dir", folder + "/state", "--backend", backend,
                ], log: folder + "/log")
        } catch {
            throw CommandFailure(
                .no, "starting failed on \(path): \(error) (build or install poised beside poise)")
        }
    }

    /// The failure with the last lines of what the daemon said.
    private func withLog(_ failure: CommandFailure) -> CommandFailure {
        program = nil
        guard let log = fopen(folder + "/log", "r") else { return failure }
        defer { fclose(log) }
        var lines: [String] = []
        var line = [CChar](repeating: 0, count: 1024)
        while fgets(&line, Int32(line.count), log) != nil {
            let bytes = line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:))
            lines.append("  " + String(decoding: bytes, as: UTF8.self))
        }
        let text = ([failure.text] + lines.suffix(5)).joined(separator: "\n")
        return CommandFailure(failure.code, text, prefixed: false)
    }

    func ask(
        _ method: ControlMethod, _ parameters: JSON = .object([])
    ) throws(CommandFailure) -> JSON {
        try call.ask(method, parameters)
    }

    /// Looks at the status ten times a second until it is as it should be.
    func waitUntil(
        _ what: String, within: Duration, _ isSo: (JSON) -> Bool
    ) throws(CommandFailure) {
        let end = Stopwatch.now + within
        var last: CommandFailure?
        while Stopwatch.now < end {
            do throws(CommandFailure) {
                if isSo(try ask(.status)) { return }
            } catch {
                last = error
                guard program?.isRunning ?? false else { break }
            }
            usleep(100_000)
        }
        throw last
            ?? CommandFailure(
                .no, "waiting failed on the benchmark's daemon: it took too long until \(what)")
    }

    deinit {
        program = nil
        do throws(Errno) {
            _ = try ProgramRun("/bin/rm", ["-rf", folder])
        } catch {
            // It stays in the folder of temporary files, which is emptied by others.
            return
        }
    }
}

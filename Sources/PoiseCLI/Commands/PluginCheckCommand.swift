import PoiseModel
import PoiseWire

/// `poise plugin check`: loads a plugin and calls it through its life once.
enum PluginCheckCommand {
    static let command = Command(
        path: ["plugin", "check"], summary: "load a plugin and call it through its life once",
        arguments: [.init(name: "FILE.so", help: "the plugin's library", value: .file)],
        options: [
            .init(
                name: "config", valueName: "FILE", help: "its configuration, as JSON",
                value: .file),
            .json,
        ],
        examples: [
            .init("poise plugin check ./counter.so", "each step with its time"),
            .init("poise plugin check ./counter.so --config c.json --json", "for a program"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let file = try InputFile.absolute(invocation.arguments[0])
        var words = ["--check", file]
        if let config = invocation["config"] {
            words += ["--config", try InputFile.absolute(config)]
        }
        let host = try PoiseHost.program()
        let run: ProgramRun
        do throws(Errno) {
            run = try ProgramRun(host, words)
        } catch {
            throw CommandFailure(
                .no, "starting failed on \(host): \(error) (install poise-host again)")
        }
        let steps = try steps(run.output)
        let isGood = run.exitCode == 0 && steps.allSatisfy { $0["ok"]?.bool != false }
        if invocation.wantsJSON {
            console.print([
                "plugin": .string(file), "ok": .bool(isGood), "steps": .array(steps),
                "end": .string(run.end),
            ])
        } else {
            let view = PluginCheckView(file: file, steps: steps, isGood: isGood, end: run.end)
            for line in view.lines(console) { console.print(line) }
        }
        return isGood ? .done : .no
    }

    /// What the host printed: a JSON object a line. A plugin may print lines of its own between.
    private static func steps(_ output: [UInt8]) throws(CommandFailure) -> [JSON] {
        output.split(separator: 10).compactMap { line in
            do throws(JSONError) {
                let json = try JSON.parse(Array(line))
                return json["step"] == nil ? nil : json
            } catch {
                return nil
            }
        }
    }
}

/// Where the program around a plugin is.
enum PoiseHost {
    /// `$POISE_HOST`, else beside this program, else in `libexec/poise` of the installation.
    static func program() throws(CommandFailure) -> String {
        if let named = RuntimeFolder.environment("POISE_HOST"), !named.isEmpty { return named }
        let folder = InputFile.programFolder ?? "."
        let places = ["\(folder)/poise-host", "\(folder)/../libexec/poise/poise-host"]
        if let found = places.first(where: InputFile.exists) { return found }
        throw CommandFailure(
            .no, "finding failed on poise-host: it is not in \(folder) (build or install it)")
    }
}

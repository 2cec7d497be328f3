import PoiseBench
import PoiseModel

/// The whole command line as a function of its words.
package enum Program {
    package static let version = PoiseVersion.text

    /// Does what `words` say and gives the exit code.
    package static func run(_ words: some Sequence<String>, console: Console) -> ExitCode {
        if let code = benchEnd(words) { return code }
        let parser = Parser(commands: CommandTable.commands)
        do throws(CommandFailure) {
            let code: ExitCode
            switch try parser.read(words) {
            case .version:
                console.print("poise \(version)")
                code = .done
            case .help(let path):
                console.print(try HelpText(commands: parser.commands).text(of: path))
                code = .done
            case .call(let invocation):
                if invocation.has(.noColour) { console.paint = .none }
                code = try invocation.command.perform(invocation, console)
            }
            try console.flush()
            return code
        } catch {
            return report(error, on: console)
        }
    }

    /// The second process of a measurement, which `poise bench` starts by itself.
    private static func benchEnd(_ words: some Sequence<String>) -> ExitCode? {
        var rest = Array(words)[...]
        guard rest.popFirst() == BusEnd.word else { return nil }
        return ExitCode(rawValue: BusEnd.run(rest)) ?? .no
    }

    private static func report(_ failure: CommandFailure, on console: Console) -> ExitCode {
        do throws(CommandFailure) {
            try console.flush()
        } catch {
            console.note(error.text)
        }
        console.note(failure.text)
        return failure.code
    }
}

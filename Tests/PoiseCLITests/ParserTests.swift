import PoiseModel
import Testing

@testable import PoiseCLI

/// What a command line is read as, on one line.
private func reading(_ line: String) -> String {
    let words = line.split(separator: " ").map(String.init)
    do throws(CommandFailure) {
        switch try Parser(commands: CommandTable.commands).read(words) {
        case .version: return "version"
        case .help(let path): return "help: " + path.joined(separator: " ")
        case .call(let call):
            let options = call.options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return ([call.command.name + ":"] + call.arguments + options).joined(separator: " ")
        }
    } catch {
        return "\(error.code.rawValue) \(error.text)"
    }
}

@Suite struct ParserTests {
    @Test(arguments: [
        ("status", "status:"),
        ("topology --json --machine a.xml", "topology: json= machine=a.xml"),
        ("--json topology --machine=a.xml", "topology: json= machine=a.xml"),
        ("--machine a.xml plan --policy=b=c.yaml", "plan: machine=a.xml policy=b=c.yaml"),
        ("policy check a.yaml --json b.yaml", "policy check: a.yaml b.yaml json="),
        ("policy --json diff a b", "policy diff: a b json="),
        ("policy check -- --odd.yaml", "policy check: --odd.yaml"),
        ("allocations", "allocations:"),
        ("allocations streaming", "allocations: streaming"),
        ("feature restart x --runtime-dir /r", "feature restart: x runtime-dir=/r"),
        ("--version", "version"),
        ("help", "help: "), ("--help", "help: "),
        ("help policy check", "help: policy check"),
        ("plan --help", "help: plan"), ("policy --help", "help: policy"),
        ("plan -h --json", "help: plan"),
    ])
    func wordsAreReadByTheTable(line: String, expected: String) {
        #expect(reading(line) == expected)
    }

    @Test(arguments: [
        ("", "no command was given"),
        ("topolgy", "unknown command 'topolgy'; did you mean 'topology'?"),
        ("xyzzyx", "unknown command 'xyzzyx'"),
        ("policy", "'policy' needs one of check, diff, apply"),
        ("policy chek a", "unknown command 'policy chek'; did you mean 'check'?"),
        ("plan --polcy a", "unknown option '--polcy' of plan; did you mean '--policy'?"),
        ("plan -x", "unknown option '-x' of plan"),
        ("plan --json=1", "'--json' takes no value"),
        ("plan --policy", "'--policy' needs a value"),
        ("plan --policy=", "'--policy' needs a value"),
        ("plan --json --json", "'--json' is given twice"),
        ("plan extra", "'plan' has no place for 'extra'"),
        ("policy diff a", "'policy diff' needs NEW"),
        ("explain", "'explain' needs FEATURE"),
        ("why-not a", "'why-not' needs WHAT"),
        ("completions csh", "SHELL is one of bash, zsh, fish, not 'csh'"),
        ("--jsn", "unknown option '--jsn'; did you mean '--json'?"),
    ])
    func wrongUseIsToldWithTheNearestWord(line: String, expected: String) {
        let text = reading(line)
        #expect(text.hasPrefix("2 poise: " + expected), "\(text)")
    }

    @Test func anOptionMeansTheSameInEveryCommand() {
        var valued: [String: Bool] = [:]
        for option in CommandTable.commands.flatMap(\.allOptions) {
            let takesValue = option.valueName != nil
            #expect(valued.updateValue(takesValue, forKey: option.name) ?? takesValue == takesValue)
        }
    }

    @Test func helpOfEveryCommandNamesEveryOptionAndShowsAnExample() throws {
        for command in CommandTable.commands {
            let text = try HelpText(commands: CommandTable.commands).text(of: command.path)
            for option in command.allOptions {
                #expect(text.contains("--\(option.name)"), "\(command.name)")
            }
            for example in command.examples { #expect(text.contains(example.line)) }
            #expect(!command.examples.isEmpty, "\(command.name) has no example")
        }
    }

    @Test func everyExampleIsAGoodCommandLine() {
        for example in CommandTable.commands.flatMap(\.examples) {
            guard example.line.hasPrefix("poise ") else { continue }
            let line = example.line.dropFirst(6).split(separator: ">")[0]
            #expect(!reading(String(line)).hasPrefix("2 "), "\(example.line)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionsNameEveryCommandAndOption(shell: String) {
        let capture = Capture()
        #expect(capture.run("completions", shell) == .done)
        for command in CommandTable.commands {
            for word in command.path { #expect(capture.output.contains(word)) }
            for option in command.options { #expect(capture.output.contains(option.name)) }
        }
    }

    @Test(arguments: [
        ("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("45", nil), ("", nil), ("m", nil),
        ("-5m", nil), ("1w", nil), ("99999999999999999999s", nil),
    ])
    func sinceIsANumberWithAUnit(text: String, seconds: Int?) {
        #expect(SinceOption.seconds(text) == seconds)
    }
}

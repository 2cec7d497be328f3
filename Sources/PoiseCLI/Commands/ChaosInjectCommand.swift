import PoiseModel
import PoisePolicyFile
import PoiseWire

/// `poise chaos inject`: one fault, at once.
enum ChaosInjectCommand {
    static let command = Command(
        path: ["chaos", "inject"], summary: "do one kind of harm on purpose (needs poised --chaos)",
        arguments: [
            .init(
                name: "FAULT", help: "what to do, such as kill or stop (poise chaos list)",
                value: .oneOf(ChaosFault.allCases.map(\.rawValue))),
            .init(
                name: "FEATURE", help: "whom to do it to", count: .optional, value: .feature),
        ],
        options: [
            .init(name: "for", valueName: "TIME", help: "how long, such as 3s (at most 10m)"),
            .init(name: "threads", valueName: "N", help: "cpuBurn: threads that burn"),
            .init(name: "memory", valueName: "SIZE", help: "memoryHog: such as 256MiB"),
            .init(name: "delay", valueName: "TIME", help: "delayedAnswers: such as 500ms"),
            .init(name: "writes", valueName: "N", help: "refusedWrite: how many"),
            .init(name: "by", valueName: "TIME", help: "clockJump: how far, such as 1h or -1h"),
            .json, .runtimeFolder,
        ],
        notes: ["Every fault ends by itself, and when the feature or poised ends."],
        examples: [
            .init("poise chaos inject kill streaming", "kill its main process"),
            .init("poise chaos inject stop streaming --for 3s", "stop it, and let it go on"),
            .init("poise chaos inject clockJump --by -1h --for 10s", "an hour back, for a while"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let injection = try injection(invocation)
        let answer = try DaemonCall(invocation).ask(.chaos, injection.json)
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            let name = injection.feature.map { " on \($0)" } ?? ""
            let text = answer["text"]?.string ?? "done"
            console.print("\(injection.words)\(name): \(text)")
        }
        return .done
    }

    private static func injection(
        _ invocation: Invocation
    ) throws(CommandFailure) -> ChaosInjection {
        guard let fault = ChaosFault(rawValue: invocation.arguments[0]) else {
            preconditionFailure("the parser lets through \(invocation.arguments[0])")
        }
        let wrong = { (text: String) in CommandFailure.use(text, help: ["chaos", "inject"]) }
        var injection = ChaosInjection(fault)
        if invocation.arguments.count > 1 {
            guard let feature = FeatureID(invocation.arguments[1]) else {
                throw wrong("'\(invocation.arguments[1])' cannot be a feature's name")
            }
            injection.feature = feature
        }
        let options = ChaosFault.Parameter.allCases.filter { $0 != .feature }
        for parameter in options {
            guard let text = invocation[parameter.rawValue] else { continue }
            guard fault.parameters.contains(parameter) else {
                throw wrong("\(fault.rawValue) takes no --\(parameter.rawValue)")
            }
            try read(text, parameter, &injection)
        }
        if let problem = injection.problem {
            let name = problem.parameter == .feature ? "FEATURE" : "--\(problem.parameter.rawValue)"
            throw wrong("\(name): \(problem.text)")
        }
        return injection
    }

    private static func read(
        _ text: String, _ parameter: ChaosFault.Parameter, _ injection: inout ChaosInjection
    ) throws(CommandFailure) {
        let wrong = { (why: String) in
            CommandFailure.use("--\(parameter.rawValue): \(why)", help: ["chaos", "inject"])
        }
        do {
            switch parameter {
            case .feature: return
            case .for: injection.duration = try Duration(written: text)
            case .delay: injection.delay = try Duration(written: text)
            case .by: injection.jump = try Duration(signed: text)
            case .memory: injection.memoryBytes = try Quantity.memory.amount(text)
            case .threads, .writes:
                guard let number = Int(text) else { throw wrong("'\(text)' is no whole number") }
                if parameter == .threads { injection.threads = number }
                if parameter == .writes { injection.writes = number }
            }
        } catch let error as NotADuration {
            throw wrong(error.text)
        } catch let error as Quantity.Mistake {
            throw wrong(error.text)
        } catch {
            throw (error as? CommandFailure) ?? wrong("\(error)")
        }
    }
}

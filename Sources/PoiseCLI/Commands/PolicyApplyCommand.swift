import PoiseModel
import PoiseWire

/// `poise policy apply`: puts another policy in force.
enum PolicyApplyCommand {
    static let command = Command(
        path: ["policy", "apply"], summary: "put a policy in force, or tell what it would do",
        arguments: [
            .init(name: "FILE", help: "a policy file, or a name in Policies", value: .policy)
        ],
        options: [
            .init(name: "dry-run", help: "only tell what would change"), .json, .runtimeFolder,
        ],
        examples: [
            .init("poise policy apply my.yaml --dry-run", "what would change"),
            .init("poise policy apply my.yaml", "from now on"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let found = try PolicyFolder.path(named: invocation.arguments[0])
        // The daemon has another working folder.
        let path = try InputFile.absolute(found)
        let isDry = invocation.has("dry-run")
        // The daemon may not be allowed to read what its caller may.
        let text = String(decoding: try InputFile.read(path), as: UTF8.self)
        let answer = try DaemonCall(invocation).ask(
            .policyApply,
            ["path": .string(path), "text": .string(text), "dryRun": .bool(isDry)])
        let mistakes = (answer["mistakes"]?.array ?? []).map { $0.string ?? $0.description }
        let isApplied = answer["applied"]?.bool ?? false
        let hasErrors = !mistakes.allSatisfy { $0.contains(": warning: ") }
        let isGood = isApplied || (isDry && !hasErrors)
        if invocation.wantsJSON {
            console.print(answer)
            return isGood ? .done : .no
        }
        for mistake in mistakes { console.note(mistake) }
        for change in answer["changes"]?.array ?? [] { console.print(words(change)) }
        for effect in answer["effects"]?.array ?? [] {
            console.print(
                "\(effect["feature"]?.string ?? "") \(effect["text"]?.string ?? "changes")")
        }
        if isApplied {
            console.print("\(path) is in force")
            if let start = answer["startPolicyPath"]?.string, start != path {
                console.print(
                    "until poised is reloaded or started again; to keep it: cp \(path) \(start)")
            }
        } else if isGood {
            console.print("\(path) is good, and was not put in force (--dry-run)")
        } else {
            throw CommandFailure(
                .no, "applying failed on \(path): the policy in force stays (see above)")
        }
        return .done
    }

    private static func words(_ change: JSON) -> String {
        if let text = change.string ?? change["text"]?.string { return text }
        let feature = change["feature"]?.string ?? ""
        let sets = [("gains", change["gained"]), ("loses", change["lost"])]
            .compactMap { verb, set in
                set?.string.flatMap { $0.isEmpty ? nil : "\(verb) CPUs \($0)" }
            }
        return sets.isEmpty ? "\(feature) changes" : "\(feature) \(sets.joined(separator: ", "))"
    }
}

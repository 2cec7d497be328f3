package import PoiseModel

/// What came out of reading a scenario file.
package struct ScenarioReading: Sendable, Equatable {
    /// Nil exactly when one of the mistakes is an error.
    package var scenario: ChaosScenario?
    /// In the order of their places.
    package var mistakes: [PolicyMistake]
}

extension ChaosScenario {
    /// The scenario in the file at `path`, or all of its mistakes.
    package static func read(path: String) -> ScenarioReading {
        do throws(RefusedFile) {
            return read(try PolicyBytes.read(path: path), name: path)
        } catch {
            var mistakes = MistakeList(file: path)
            mistakes.error(.start, error.text)
            return ScenarioReading(scenario: nil, mistakes: mistakes.sorted)
        }
    }

    /// The scenario that `bytes` spell in YAML, read as strictly as a policy.
    package static func read(_ bytes: [UInt8], name file: String) -> ScenarioReading {
        var mistakes = MistakeList(file: file)
        if bytes.count > PolicyLimit.fileBytes {
            mistakes.error(.start, PolicyBytes.tooLarge(bytes.count))
        } else if let fault = SourceText.firstFault(in: bytes) {
            mistakes.error(fault.mark, fault.text)
        }
        if mistakes.hasErrors {
            return ScenarioReading(scenario: nil, mistakes: mistakes.sorted)
        }
        let root = YAMLTree.compose(
            bytes, &mistakes, ifEmpty: "the file holds no scenario (one begins with 'name: …')")
        var decoder = PolicyDecoder(mistakes: mistakes)
        let scenario = root.flatMap { decoder.scenario($0) }
        return ScenarioReading(
            scenario: decoder.mistakes.hasErrors ? nil : scenario,
            mistakes: decoder.mistakes.sorted)
    }
}

/// Scenarios: a name, steps, and what must come of them.
extension PolicyDecoder {
    private static let mostSteps = 1000

    mutating func scenario(_ root: YAMLNode) -> ChaosScenario? {
        guard case .mapping = root.content else {
            mistakes.error(
                root.mark, "a scenario must be a mapping of keys to values, not \(root.kind)")
            return nil
        }
        let whole = Field(path: "", key: "", keyMark: root.mark, value: root)
        guard let fields = fields(of: whole, known: ["name", "steps", "expect"]) else { return nil }
        for key in ["name", "steps"] where fields.lacks(key) {
            let remedy = key == "name" ? "name the scenario" : "list at least one"
            mistakes.error(fields.owner.mark, "the key '\(key)' is missing (\(remedy))")
        }
        let expected = self.fields(
            of: fields["expect"], known: ["recoverWithin", "neverRestarted"])
        return ChaosScenario(
            name: text(fields["name"]) ?? "", steps: steps(fields["steps"]),
            recoverWithin: duration(expected?["recoverWithin"], atLeast: .milliseconds(1)),
            neverRestarted: features(expected?["neverRestarted"]))
    }

    private mutating func features(_ field: Field?) -> [FeatureID] {
        items(of: field, "a list of features such as [background]").compactMap { feature($0) }
    }

    private mutating func feature(_ field: Field?) -> FeatureID? {
        guard let field, let name = text(field) else { return nil }
        if let feature = FeatureID(name) { return feature }
        mistakes.error(field.mark, "\(quoted(name)) cannot be a feature's name")
        return nil
    }

    private mutating func steps(_ field: Field?) -> [ChaosScenario.Step] {
        let items = items(of: field, "a list of steps such as - { at: 2s, fault: kill, … }")
        if let field, case .sequence(let nodes) = field.value.content {
            if nodes.isEmpty, !field.value.isCut {
                mistakes.error(field.mark, "steps is an empty list (list at least one)")
            }
            if nodes.count > Self.mostSteps {
                mistakes.error(
                    field.mark, "\(nodes.count) steps are too many (at most \(Self.mostSteps))")
                return []
            }
        }
        var steps: [ChaosScenario.Step] = []
        for item in items {
            guard let step = step(item) else { continue }
            if let before = steps.last, step.at < before.at {
                mistakes.error(
                    item.mark,
                    "\(item.path) comes before the step above it (write steps in the order of time)"
                )
            }
            steps.append(step)
        }
        return steps
    }

    private mutating func items(of field: Field?, _ wanted: String) -> [Field] {
        guard let field else { return [] }
        guard case .sequence(let nodes) = field.value.content else {
            wrongKind(field, wanted)
            return []
        }
        return nodes.enumerated().map { index, node in
            Field(
                path: "\(field.path)[\(index)]", key: field.key, keyMark: node.mark, value: node)
        }
    }

    private mutating func step(_ field: Field) -> ChaosScenario.Step? {
        let known = ["at", "fault"] + ChaosFault.Parameter.allCases.map(\.rawValue)
        guard let fields = fields(of: field, known: known) else { return nil }
        for key in ["at", "fault"] where fields.lacks(key) {
            mistakes.error(fields.owner.mark, "\(field.path) lacks the key '\(key)'")
        }
        let at = duration(fields["at"], atLeast: .zero)
        if let at, let place = fields["at"], at > .seconds(86_400) {
            mistakes.error(place.mark, "\(place.path) is later than a day")
        }
        guard let fault: ChaosFault = choice(fields["fault"]) else { return nil }
        var injection = ChaosInjection(fault, feature(fields["feature"]))
        let has = fault.parameters
        for parameter in ChaosFault.Parameter.allCases where !has.contains(parameter) {
            guard let extra = fields[parameter.rawValue] else { continue }
            let takes = has.map(\.rawValue).joined(separator: ", ")
            mistakes.error(
                extra.keyMark, "\(fault.rawValue) takes no '\(parameter.rawValue)', only \(takes)")
            return nil
        }
        if fault.hasFeature, fields.lacks("feature") {
            mistakes.error(
                fields.owner.mark,
                "\(field.path) lacks the key 'feature' (\(fault.rawValue) is "
                    + "done to one)")
            return nil
        }
        read(fields, &injection)
        // The feature was there and was told of, if it is wrong.
        if let problem = injection.problem, problem.parameter != .feature {
            let place = fields[problem.parameter.rawValue] ?? field
            mistakes.error(place.mark, "\(place.path) cannot be: \(problem.text)")
        }
        return at.map { ChaosScenario.Step(at: $0, injection) }
    }

    private mutating func read(_ fields: Fields, _ injection: inout ChaosInjection) {
        if let time = duration(fields["for"], atLeast: .zero) { injection.duration = time }
        if let delay = duration(fields["delay"], atLeast: .zero) { injection.delay = delay }
        if let bytes = amount(fields["memory"], .memory) { injection.memoryBytes = bytes }
        if let threads = integer(fields["threads"], in: 0...1_000_000) {
            injection.threads = threads
        }
        if let writes = integer(fields["writes"], in: 0...1_000_000) { injection.writes = writes }
        guard let by = fields["by"], let scalar = by.value.scalar else {
            if let by = fields["by"] { wrongKind(by, "a time with a sign, such as -1h") }
            return
        }
        do throws(NotADuration) {
            injection.jump = try Duration(signed: scalar.text)
        } catch {
            mistakes.error(by.mark, "\(by.path): \(error.text)")
        }
    }
}

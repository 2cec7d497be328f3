import PoiseModel

/// What a feature runs.
extension PolicyDecoder {
    private static let sourceKeys = ["plugin", "command", "unit"]

    /// The one source of a feature; nil when there is none, more than one, or a wrong one.
    mutating func source(_ fields: Fields) -> FeaturePolicy.Source? {
        let given = Self.sourceKeys.compactMap { fields[$0] }
        if given.isEmpty, !fields.owner.value.isCut {
            mistakes.error(
                fields.owner.keyMark,
                "the feature \(quoted(fields.owner.key)) runs nothing: give it a plugin, a command "
                    + "or a unit")
        }
        for extra in given.dropFirst() {
            mistakes.error(
                extra.keyMark,
                "the feature \(quoted(fields.owner.key)) has a \(given[0].key) already: leave out "
                    + "the \(extra.key)")
        }
        let plugin = plugin(fields["plugin"])
        let command = command(fields["command"])
        let unit = unit(fields["unit"])
        return plugin ?? command ?? unit
    }

    private mutating func plugin(_ field: Field?) -> FeaturePolicy.Source? {
        guard let field, let name = text(field) else { return nil }
        guard name.contains("/") || PluginVersion.parts(of: name) != nil else {
            mistakes.error(
                field.mark,
                "\(quoted(name)) cannot name a plugin (write a name such as streaming, a name and "
                    + "a version such as streaming@2, or a path with a '/' in it)")
            return nil
        }
        return .plugin(name)
    }

    /// A program and its arguments.
    mutating func command(_ field: Field?) -> FeaturePolicy.Source? {
        guard let field else { return nil }
        guard case .sequence(let nodes) = field.value.content else {
            wrongKind(field, "a list of texts such as [\"sleep\", \"60\"]")
            return nil
        }
        guard !nodes.isEmpty else {
            if !field.value.isCut {
                mistakes.error(field.mark, "\(field.path) is an empty list (name the program)")
            }
            return nil
        }
        let errorsBefore = mistakes.errorCount
        let words = nodes.enumerated().map { word($1, at: $0, of: field) }
        return mistakes.errorCount == errorsBefore ? .command(words) : nil
    }

    /// One word of a command line; only the program's may not be empty.
    private mutating func word(_ node: YAMLNode, at index: Int, of field: Field) -> String {
        if index > 0, let scalar = node.scalar, scalar.text.isEmpty, !scalar.isPlain { return "" }
        let word = Field(
            path: "\(field.path)[\(index)]", key: field.key, keyMark: node.mark, value: node)
        return text(word, linesAllowed: true) ?? ""
    }

    private mutating func unit(_ field: Field?) -> FeaturePolicy.Source? {
        guard let field, let name = text(field) else { return nil }
        let kinds = [".service", ".scope", ".slice"]
        guard let kind = kinds.first(where: name.hasSuffix), name.utf8.count > kind.utf8.count
        else {
            mistakes.error(
                field.mark,
                "\(quoted(name)) is no unit that a budget can be put on (it ends with "
                    + "\(kinds.joined(separator: ", ")), such as nginx.service)")
            return nil
        }
        let isAllowed: (UInt8) -> Bool = { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || Array(":-_.\\@".utf8).contains(byte)
        }
        guard name.utf8.count < 256, name.utf8.allSatisfy(isAllowed) else {
            mistakes.error(
                field.mark,
                "\(quoted(name)) cannot name a unit (up to 255 of a-z A-Z 0-9 : - _ . \\ @)")
            return nil
        }
        return .unit(name)
    }
}

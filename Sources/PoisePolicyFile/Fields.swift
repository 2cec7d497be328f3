import PoiseModel

/// One key of a mapping with its value, and the path that messages name it by.
struct Field {
    /// Such as `features.streaming.cores.performance`; empty for the policy itself.
    let path: String
    let key: String
    let keyMark: Mark
    let value: YAMLNode

    var mark: Mark { value.mark }

    /// The path, or what the policy itself is called.
    var name: String { path.isEmpty ? "the policy" : path }
}

/// The keys of one mapping.
struct Fields {
    let owner: Field
    private let fields: [String: Field]

    init(of owner: Field, _ fields: [Field]) {
        self.owner = owner
        self.fields = Dictionary(fields.map { ($0.key, $0) }) { first, _ in first }
    }

    subscript(key: String) -> Field? { fields[key] }

    /// Whether a key that is not here was left out, and not lost where the reading ended.
    func lacks(_ key: String) -> Bool { fields[key] == nil && !owner.value.isCut }
}

extension PolicyDecoder {
    /// The keys of a mapping that may have any name, in the file's order; nil when it is none.
    ///
    /// `noun` is what a key stands for: a key, a feature.
    mutating func members(of field: Field, noun: String = "key") -> [Field]? {
        guard case .mapping(let pairs) = field.value.content else {
            if field.value.scalar?.value == .null {
                let text = "\(field.name) is empty (leave the key out or give it a value)"
                mistakes.error(field.path.isEmpty ? field.mark : field.keyMark, text)
            } else {
                wrongKind(field, "a mapping of keys to values")
            }
            return nil
        }
        var lines: [String: Int] = [:]
        var members: [Field] = []
        for pair in pairs {
            guard let key = keyText(of: pair, in: field) else { continue }
            if let line = lines[key] {
                mistakes.error(
                    pair.key.mark, "the \(noun) \(quoted(key)) was already given in line \(line)")
                continue
            }
            lines[key] = pair.key.mark.line
            let name = printable(key)
            let path = field.path.isEmpty ? name : "\(field.path).\(name)"
            members.append(
                Field(path: path, key: key, keyMark: pair.key.mark, value: pair.value))
        }
        return members
    }

    /// The keys of a mapping that has only those of `known`; any other is a mistake.
    mutating func fields(of field: Field?, known: [String]) -> Fields? {
        guard let field, let members = members(of: field) else { return nil }
        for member in members where !known.contains(member.key) {
            let place = field.path.isEmpty ? "" : " in \(field.path)"
            let hint = Nearest.hint(for: member.key, among: known)
            mistakes.error(member.keyMark, "unknown key \(quoted(member.key))\(place)\(hint)")
        }
        return Fields(of: field, members.filter { known.contains($0.key) })
    }

    private mutating func keyText(of pair: YAMLPair, in field: Field) -> String? {
        guard let scalar = pair.key.scalar else {
            mistakes.error(pair.key.mark, "a key must be a name, not \(pair.key.kind)")
            return nil
        }
        if scalar.isPlain, scalar.text == "<<" {
            mistakes.error(
                pair.key.mark,
                "merge keys ('<<') are not taken (write the keys out, or give a whole value by an "
                    + "alias)")
            return nil
        }
        return scalar.text
    }

    mutating func wrongKind(_ field: Field, _ wanted: String) {
        mistakes.error(field.mark, "\(field.name) must be \(wanted), not \(field.value.kind)")
    }
}

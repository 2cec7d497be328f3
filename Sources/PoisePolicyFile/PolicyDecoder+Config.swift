import PoiseModel

/// The part of a policy that only the feature itself understands.
extension PolicyDecoder {
    /// The mapping of a feature's own settings, typed by the core schema of YAML 1.2.
    mutating func configuration(_ field: Field) -> JSON {
        guard case .mapping = field.value.content else {
            // Tells what else it is.
            _ = members(of: field)
            return .object([])
        }
        return json(field)
    }

    /// Goes as deep as the tree, whose depth is limited.
    private mutating func json(_ field: Field) -> JSON {
        switch field.value.content {
        case .scalar(let scalar): return json(scalar, field)
        case .sequence(let nodes):
            return .array(
                nodes.enumerated().map { index, node in
                    json(
                        Field(
                            path: "\(field.path)[\(index)]", key: field.key, keyMark: node.mark,
                            value: node))
                })
        case .mapping:
            return .object((members(of: field) ?? []).map { JSON.Member($0.key, json($0)) })
        }
    }

    private mutating func json(_ scalar: YAMLScalar, _ field: Field) -> JSON {
        switch scalar.value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .number(let value):
            if !value.isFinite {
                mistakes.error(field.mark, "\(field.path): \(scalar.text) is no finite number")
            }
            return .number(value)
        case .text(let text):
            if scalar.isOldBoolean {
                mistakes.warning(
                    field.mark,
                    "\(field.path): \(scalar.text) is a text in YAML 1.2 (write true or false, or "
                        + "put it in quotes)")
            }
            return .string(text)
        }
    }
}

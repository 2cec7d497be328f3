/// A value of a YAML document with its place; aliases are already what they stand for.
struct YAMLNode {
    enum Content {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLPair])
    }

    let mark: Mark
    let content: Content
    /// Whether the reading ended inside this value, so that more may have been meant to follow.
    let isCut: Bool
    /// How many values this one is, itself included.
    let count: Int
    /// How many levels this value has: 1 for a scalar.
    let height: Int

    init(_ scalar: YAMLScalar, at mark: Mark) {
        self.mark = mark
        content = .scalar(scalar)
        isCut = false
        count = 1
        height = 1
    }

    init(sequence: [YAMLNode], at mark: Mark, isCut: Bool) {
        self.mark = mark
        content = .sequence(sequence)
        self.isCut = isCut
        count = sequence.reduce(1) { $0 + $1.count }
        height = 1 + (sequence.map(\.height).max() ?? 0)
    }

    init(mapping pairs: [YAMLPair], at mark: Mark, isCut: Bool) {
        self.mark = mark
        content = .mapping(pairs)
        self.isCut = isCut
        count = pairs.reduce(1) { $0 + $1.key.count + $1.value.count }
        height = 1 + (pairs.map { max($0.key.height, $0.value.height) }.max() ?? 0)
    }

    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    /// What the value is, for a message: `a list`, `a mapping`, `the text 'x'`, `the number 3`.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.kind
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// One key with its value.
struct YAMLPair {
    let key: YAMLNode
    let value: YAMLNode
}

/// One event of a YAML stream as libyaml tells it.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(YAMLScalar)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }

    var kind: Kind
    var mark: Mark
    /// The name after `&` of a value that aliases may stand for.
    var anchor: String?
    var tag: String?
}

/// Where and why a text is not YAML.
struct YAMLSyntaxError: Error {
    var mark: Mark
    /// What libyaml says is wrong.
    var problem: String
    /// What libyaml was reading, and from which line on.
    var context: (text: String, line: Int)?
}

import CYAML

/// The owner of one libyaml parser over bytes that it copied; gives the events one by one.
struct YAMLEventSource: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Nil when there is no memory left.
    init?(_ bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            input.deallocate()
            parser.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event (`yaml_parser_parse`); nothing may be asked after `streamEnd` or an error.
    mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError }
        defer { yaml_event_delete(&event) }
        return Self.value(of: event)
    }

    private var syntaxError: YAMLSyntaxError {
        let parser = parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "out of memory"
        let context = parser.context.map { (String(cString: $0), Mark(parser.context_mark).line) }
        return YAMLSyntaxError(mark: Mark(parser.problem_mark), problem: problem, context: context)
    }

    private static func value(of event: yaml_event_t) -> YAMLEvent {
        let data = event.data
        var value = YAMLEvent(kind: .streamStart, mark: Mark(event.start_mark))
        switch event.type {
        case YAML_STREAM_END_EVENT: value.kind = .streamEnd
        case YAML_DOCUMENT_START_EVENT: value.kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: value.kind = .documentEnd
        case YAML_ALIAS_EVENT: value.kind = .alias(text(data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            value.kind = .scalar(scalar(event))
            value.anchor = text(data.scalar.anchor)
            value.tag = text(data.scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            value.kind = .sequenceStart
            value.anchor = text(data.sequence_start.anchor)
            value.tag = text(data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: value.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            value.kind = .mappingStart
            value.anchor = text(data.mapping_start.anchor)
            value.tag = text(data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: value.kind = .mappingEnd
        default: break
        }
        return value
    }

    private static func scalar(_ event: yaml_event_t) -> YAMLScalar {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return YAMLScalar(
            text: String(decoding: bytes, as: UTF8.self),
            isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
        bytes.map { String(cString: $0) }
    }
}

extension Mark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}

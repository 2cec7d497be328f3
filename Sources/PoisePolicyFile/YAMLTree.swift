/// Builds the tree of a one-document YAML text out of its events.
///
/// Whoever wrote the text may mean harm, so nothing here recurses, and every limit is checked as
/// the events come in: nesting, the number of values with aliases counted as what they stand for,
/// and aliases that stand for something they are part of. A text that breaks off, or breaks a
/// limit, gives what was there before, marked as cut, so that its other mistakes can be told too.
struct YAMLTree {
    /// A list or mapping that has begun and not ended; keys and values of a mapping alternate.
    private struct Open {
        let mark: Mark
        let anchor: String?
        let isMapping: Bool
        var items: [YAMLNode] = []

        func node(isCut: Bool) -> YAMLNode {
            guard isMapping else { return YAMLNode(sequence: items, at: mark, isCut: isCut) }
            let pairs = stride(from: 0, to: items.count - 1, by: 2).map {
                YAMLPair(key: items[$0], value: items[$0 + 1])
            }
            return YAMLNode(mapping: pairs, at: mark, isCut: isCut)
        }
    }

    private enum Anchor {
        case open
        case closed(YAMLNode)
    }

    /// Ends the reading.
    private struct Stop: Error {
        let mark: Mark
        let text: String
    }

    private var open: [Open] = []
    private var anchors: [String: Anchor] = [:]
    private var count = 0
    private var documents = 0
    private var root: YAMLNode?

    /// The document in `bytes`, or nil when there is none, of which `ifEmpty` is said; what is
    /// wrong goes to `mistakes`.
    static func compose(
        _ bytes: [UInt8], _ mistakes: inout MistakeList,
        ifEmpty: String = "the file holds no policy (a policy begins with 'version: 1')"
    ) -> YAMLNode? {
        guard var events = YAMLEventSource(bytes) else {
            mistakes.error(.start, "there is no memory left to read the file")
            return nil
        }
        var tree = YAMLTree()
        do throws(YAMLSyntaxError) {
            while true {
                let event = try events.next()
                if case .streamEnd = event.kind { break }
                if let tag = event.tag { mistakes.error(event.mark, refusal(ofTag: tag)) }
                do throws(Stop) {
                    try tree.take(event)
                } catch {
                    mistakes.error(error.mark, error.text)
                    break
                }
            }
        } catch {
            mistakes.error(error.mark, error.text(in: bytes))
        }
        tree.closeAll()
        if tree.root == nil, !mistakes.hasErrors {
            mistakes.error(.start, ifEmpty)
        }
        return tree.root
    }

    private static func refusal(ofTag tag: String) -> String {
        "the tag \(quoted(tag)) is not taken (a policy needs no tags: leave it out)"
    }

    private mutating func take(_ event: YAMLEvent) throws(Stop) {
        switch event.kind {
        case .streamStart, .streamEnd, .documentEnd: break
        case .documentStart:
            documents += 1
            if documents > 1 {
                throw Stop(
                    mark: event.mark,
                    text: "a second document begins here (a policy is one document)")
            }
        case .alias(let name): try add(target(of: name, at: event.mark), at: event.mark)
        case .scalar(let scalar):
            let node = YAMLNode(scalar, at: event.mark)
            if let anchor = event.anchor { anchors[anchor] = .closed(node) }
            try add(node, at: event.mark)
        case .sequenceStart, .mappingStart: try begin(event)
        case .sequenceEnd, .mappingEnd: close(isCut: false)
        }
    }

    private func target(of name: String, at mark: Mark) throws(Stop) -> YAMLNode {
        let shown = printable(name)
        switch anchors[name] {
        case .closed(let node): return node
        case .open:
            throw Stop(
                mark: mark, text: "the alias '*\(shown)' stands for a value that it is part of")
        case nil:
            throw Stop(mark: mark, text: "the alias '*\(shown)' has no '&\(shown)' before it")
        }
    }

    private mutating func begin(_ event: YAMLEvent) throws(Stop) {
        try check(levels: 1, values: 1, at: event.mark)
        count += 1
        if let anchor = event.anchor { anchors[anchor] = .open }
        var isMapping = false
        if case .mappingStart = event.kind { isMapping = true }
        open.append(Open(mark: event.mark, anchor: event.anchor, isMapping: isMapping))
    }

    private mutating func add(_ node: YAMLNode, at mark: Mark) throws(Stop) {
        try check(levels: node.height, values: node.count, at: mark)
        count += node.count
        place(node)
    }

    private func check(levels: Int, values: Int, at mark: Mark) throws(Stop) {
        if open.count + levels > PolicyLimit.nesting {
            throw Stop(mark: mark, text: "nested deeper than \(PolicyLimit.nesting) levels")
        }
        if count + values > PolicyLimit.values {
            throw Stop(
                mark: mark,
                text: "more than \(PolicyLimit.values) values, each alias counted as what it "
                    + "stands for")
        }
    }

    private mutating func place(_ node: YAMLNode) {
        if open.isEmpty {
            root = node
        } else {
            open[open.count - 1].items.append(node)
        }
    }

    private mutating func close(isCut: Bool) {
        guard let ended = open.popLast() else { return }
        let node = ended.node(isCut: isCut)
        if let anchor = ended.anchor { anchors[anchor] = .closed(node) }
        place(node)
    }

    private mutating func closeAll() {
        while !open.isEmpty { close(isCut: true) }
    }
}

extension YAMLSyntaxError {
    /// What is wrong, in words for whoever wrote the file.
    fileprivate func text(in bytes: [UInt8]) -> String {
        if SourceText.tabIndents(line: mark.line, of: bytes) {
            return "a tab indents here (YAML takes only spaces)"
        }
        var text = "this is not YAML: \(problem)"
        if let context {
            text += " \(context.text)"
            if context.line < mark.line { text += " begun in line \(context.line)" }
        }
        return text + (hint.map { " (\($0))" } ?? "")
    }

    private var hint: String? {
        switch problem {
        case "mapping values are not allowed in this context":
            "is the indentation right, or does a text with ': ' need quotes?"
        case "did not find expected key", "did not find expected '-' indicator":
            "is the indentation the same as above?"
        case "found character that cannot start any token":
            "a text that begins with this character needs quotes"
        case "could not find expected ':'": "a key needs ': ' after it"
        case "found unexpected end of stream": "is a quote or a bracket not closed?"
        default: nil
        }
    }
}

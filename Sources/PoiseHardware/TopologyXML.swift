/// Checks an XML text and writes it again in the one form that hwloc's own small parser reads.
///
/// hwloc has two XML parsers: libxml2, where its plugin happens to be installed, and a small one
/// that trusts its input. Poise always uses the small one, so that a file reads alike everywhere
/// and no entity is ever expanded, and lets nothing through to it that is not well formed: tags
/// that match, quoted attributes, bounded depth and size. Comments, processing instructions and
/// the document type are dropped; a document type with declarations of its own is refused.
struct TopologyXML {
    /// Why a text was refused.
    struct Mistake: Error {
        var line: Int
        var text: String
    }

    /// Real files have less than 20 levels; hwloc's import calls itself for each.
    static let depthLimit = 256
    /// A machine of 16,384 PUs has about 100,000.
    static let elementLimit = 1 << 18
    /// A set of a million PUs is 300 KB long.
    static let valueLimit = 1 << 19

    /// The text in the small parser's form, with a zero byte at its end.
    private(set) var output: [UInt8] = []

    private let input: [UInt8]
    private var position = 0
    private var open: [ArraySlice<UInt8>] = []
    private var rules = TopologyRules()
    private var elements = 0
    private var isDone = false

    /// Reads `input` to its end or throws the first mistake with its line.
    init(checking input: [UInt8]) throws(Mistake) {
        self.input = input
        output.reserveCapacity(input.count + 1)
        if input.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        while position < input.count { try readNext() }
        if let tag = open.last { throw mistake("it ends inside <\(text(tag))>: truncated") }
        guard isDone else { throw mistake("it has no <topology>") }
        output.append(10)
        output.append(0)
    }

    private mutating func readNext() throws(Mistake) {
        guard input[position] == UInt8(ascii: "<") else { return try readContent() }
        if skip("<?") {
            try skipPast("?>", "a processing instruction")
        } else if skip("<!--") {
            try skipPast("-->", "a comment")
        } else if skip("<!DOCTYPE") {
            try skipDocumentType()
        } else if skip("<!") {
            throw mistake("<! declarations and CDATA sections have no place in it")
        } else if skip("</") {
            try readEndTag()
        } else {
            position += 1
            try readStartTag()
        }
    }

    /// Text between tags: kept when it says something, dropped when it is indentation.
    private mutating func readContent() throws(Mistake) {
        let end = input[position...].firstIndex(of: UInt8(ascii: "<")) ?? input.count
        let content = input[position..<end]
        if !content.allSatisfy(TopologyXML.isSpace) {
            guard !open.isEmpty else { throw mistake("it is no XML") }
            guard content.count <= TopologyXML.valueLimit else {
                throw mistake("a text is too long")
            }
            guard !content.contains(0) else { throw mistake("it has a zero byte: it is no text") }
            output.append(contentsOf: content)
        }
        position = end
    }

    private mutating func skipDocumentType() throws(Mistake) {
        guard open.isEmpty, !isDone else { throw mistake("a document type in the wrong place") }
        let end = input[position...].firstIndex(of: UInt8(ascii: ">")) ?? input.count
        guard !input[position..<end].contains(UInt8(ascii: "[")) else {
            throw mistake("its document type declares entities, which Poise does not read")
        }
        position = min(end + 1, input.count)
    }

    private mutating func readEndTag() throws(Mistake) {
        let name = readName()
        skipSpaces()
        guard skip(">") else { throw mistake("an end tag is not closed") }
        guard let tag = open.popLast(), tag == name else {
            throw mistake("</\(text(name))> closes nothing")
        }
        write("</")
        output.append(contentsOf: name)
        write(">")
        if text(name) == "object" { rules.leave() }
        if open.isEmpty { isDone = true }
    }

    private mutating func readStartTag() throws(Mistake) {
        let name = readName()
        guard !name.isEmpty else { throw mistake("a tag has no name") }
        elements += 1
        guard elements <= TopologyXML.elementLimit else {
            throw mistake("it has too many elements")
        }
        guard !isDone else { throw mistake("something follows </topology>") }
        let isRoot = open.isEmpty
        if isRoot, text(name) != "topology" {
            throw mistake("it is XML of another kind: its first tag is <\(text(name))>")
        }
        write("<")
        output.append(contentsOf: name)
        let (attributes, isEmpty) = try readAttributes(ofRoot: isRoot)
        let isObject = text(name) == "object"
        if isObject, let wrong = rules.enter(attributes) { throw mistake(wrong) }
        if isRoot { try check(version: attributes["version"]) }
        if isEmpty {
            write("/>")
            if isObject { rules.leave() }
            if isRoot { isDone = true }
        } else {
            write(">")
            open.append(name)
            guard open.count <= TopologyXML.depthLimit else {
                throw mistake("its tags are nested deeper than \(TopologyXML.depthLimit)")
            }
        }
    }

    /// Reads to the end of a start tag, and tells whether the tag closes itself.
    private mutating func readAttributes(ofRoot isRoot: Bool) throws(Mistake) -> (
        TopologyRules.Attributes, isEmpty: Bool
    ) {
        var attributes: TopologyRules.Attributes = [:]
        while true {
            let before = position
            skipSpaces()
            if skip("/>") { return (attributes, true) }
            if skip(">") { return (attributes, false) }
            guard position > before else { throw mistake("a tag is broken") }
            let name = readName()
            guard !name.isEmpty, skip("=") else {
                throw mistake(position < input.count ? "a tag is broken" : "truncated in a tag")
            }
            let value = try readValue()
            let word = String(decoding: value, as: UTF8.self)
            guard attributes.updateValue(word, forKey: text(name)) == nil else {
                throw mistake("an attribute is there twice: \(text(name))")
            }
            try check(attribute: text(name), word)
            // The small parser knows no attribute of the first tag but this.
            if isRoot, text(name) != "version" { continue }
            write(" ")
            output.append(contentsOf: name)
            write("=\"")
            for byte in value { write(escaped: byte) }
            write("\"")
        }
    }

    /// Refuses numbers that hwloc would take at their word and ask for memory.
    private func check(attribute name: String, _ text: String) throws(Mistake) {
        let limit = TopologyXML.limits[name]
        if let limit, let number = UInt64(text), number > limit {
            throw mistake("\(name)=\"\(text)\" is beyond any machine")
        }
    }

    /// Refuses what is of another hwloc, and says what turns it into what Poise reads.
    private func check(version: String?) throws(Mistake) {
        let major = version.flatMap { Int($0.prefix { $0 != "." }) }
        if major == 2 { return }
        throw mistake(
            major == 3
                ? "it is of version 3 (`lstopo --export-xml-flags v2 -i FILE NEW.xml` of hwloc 3 "
                    + "writes the version 2 that Poise reads)"
                : "it is not of version 2 (`lstopo -i FILE NEW.xml` of hwloc 2 writes that)")
    }

    /// hwloc makes a bitmap as long as the highest index, and a matrix of `nbobjs` squared.
    private static let limits: [String: UInt64] = ["os_index": 1 << 20, "nbobjs": 1 << 13]
}

extension TopologyXML {
    private mutating func readValue() throws(Mistake) -> [UInt8] {
        guard position < input.count, input[position] == 0x22 || input[position] == 0x27 else {
            throw mistake("an attribute has no quotes")
        }
        let quote = input[position]
        position += 1
        guard let end = input[position...].firstIndex(of: quote) else {
            throw mistake("truncated in a value")
        }
        guard end - position <= TopologyXML.valueLimit else { throw mistake("a value is too long") }
        var value: [UInt8] = []
        while position < end {
            let byte = input[position]
            guard byte != 0, byte != UInt8(ascii: "<") else {
                throw mistake("a value has a character that no value may have")
            }
            position += 1
            if byte == UInt8(ascii: "&") {
                value.append(contentsOf: try readReference(before: end))
            } else {
                value.append(byte)
            }
        }
        position = end + 1
        return value
    }

    /// The bytes of a character reference or of one of XML's five own entities.
    private mutating func readReference(before end: Int) throws(Mistake) -> [UInt8] {
        guard let stop = input[position..<end].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw mistake("an & begins no entity")
        }
        let name = text(input[position..<stop])
        position = stop + 1
        switch name {
        case "amp": return [UInt8(ascii: "&")]
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default: break
        }
        let digits = name.dropFirst(name.hasPrefix("#x") ? 2 : 1)
        guard name.hasPrefix("#"), let code = UInt32(digits, radix: name.hasPrefix("#x") ? 16 : 10),
            code > 0, let scalar = Unicode.Scalar(code)
        else { throw mistake("the entity &\(name); is none of XML's own") }
        return Array(String(scalar).utf8)
    }

    private mutating func write(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "&"): write("&amp;")
        case UInt8(ascii: "<"): write("&lt;")
        case UInt8(ascii: ">"): write("&gt;")
        case UInt8(ascii: "\""): write("&quot;")
        case 9: write("&#9;")
        case 10: write("&#10;")
        case 13: write("&#13;")
        default: output.append(byte)
        }
    }

    private mutating func write(_ text: StaticString) {
        text.withUTF8Buffer { output.append(contentsOf: $0) }
    }

    private mutating func readName() -> ArraySlice<UInt8> {
        let start = position
        while position < input.count, TopologyXML.isName(input[position]) { position += 1 }
        return input[start..<position]
    }

    private mutating func skip(_ text: StaticString) -> Bool {
        let matches = text.withUTF8Buffer { input[position...].starts(with: $0) }
        if matches { position += text.utf8CodeUnitCount }
        return matches
    }

    private mutating func skipPast(_ end: StaticString, _ what: String) throws(Mistake) {
        while position < input.count {
            if skip(end) { return }
            position += 1
        }
        throw mistake("truncated in \(what)")
    }

    private mutating func skipSpaces() {
        while position < input.count, TopologyXML.isSpace(input[position]) { position += 1 }
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(64), as: UTF8.self)
    }

    private func mistake(_ text: String) -> Mistake {
        let before = input.prefix(position)
        return Mistake(line: before.reduce(1) { $0 + ($1 == 10 ? 1 : 0) }, text: text)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 32 || byte == 10 || byte == 13 || byte == 9
    }

    private static func isName(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}

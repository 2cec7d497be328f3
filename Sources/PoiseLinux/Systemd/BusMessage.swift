import CSystemd
import Glibc
import PoiseModel

/// A message on the bus; what is read or written moves on through it (`sd_bus_message`).
final class BusMessage {
    let pointer: OpaquePointer
    /// What it is, for error texts.
    private let subject: String

    /// Takes over one reference.
    init(adopting pointer: OpaquePointer, _ subject: String) {
        self.pointer = pointer
        self.subject = subject
    }

    deinit { sd_bus_message_unref(pointer) }

    // Writing. What cannot be written has been refused before: only memory can be lacking.

    func write(_ text: String) throws(SystemError) { try basic("s", text) }

    func write(_ flag: Bool) throws(SystemError) {
        var value: Int32 = flag ? 1 : 0
        try check(sd_bus_message_append_basic(pointer, BusMessage.letter("b"), &value))
    }

    func write(_ amount: UInt64) throws(SystemError) {
        var value = amount
        try check(sd_bus_message_append_basic(pointer, BusMessage.letter("t"), &value))
    }

    func write(_ bytes: [UInt8]) throws(SystemError) {
        try check(
            sd_bus_message_append_array(pointer, BusMessage.letter("y"), bytes, bytes.count))
    }

    /// Writes a container; `kind` is `a`, `v`, `r` or `e`.
    func write(
        _ kind: Character, of contents: String, _ body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        try check(sd_bus_message_open_container(pointer, BusMessage.letter(kind), contents))
        try body()
        try check(sd_bus_message_close_container(pointer))
    }

    // Reading. What is not as expected is `EBADMSG`.

    /// Reads a text or the path of an object (`s`, `o`).
    func readText() throws(SystemError) -> String {
        let kind = try peek().kind
        guard kind == "s" || kind == "o" else { throw unexpected(kind) }
        var text: UnsafePointer<CChar>?
        try check(sd_bus_message_read_basic(pointer, BusMessage.letter(kind), &text))
        guard let text else { throw unexpected(kind) }
        return String(cString: text)
    }

    /// Reads a number without a sign (`u`, `t`).
    func readNumber() throws(SystemError) -> UInt64 {
        let kind = try peek().kind
        switch kind {
        case "u":
            var value: UInt32 = 0
            try check(sd_bus_message_read_basic(pointer, BusMessage.letter("u"), &value))
            return UInt64(value)
        case "t":
            var value: UInt64 = 0
            try check(sd_bus_message_read_basic(pointer, BusMessage.letter("t"), &value))
            return value
        default: throw unexpected(kind)
        }
    }

    /// Reads bytes (`ay`).
    func readBytes() throws(SystemError) -> [UInt8] {
        var start: UnsafeRawPointer?
        var count = 0
        try check(sd_bus_message_read_array(pointer, BusMessage.letter("y"), &start, &count))
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// A value of a property.
    enum Value: Equatable {
        case text(String)
        case number(UInt64)
        case bytes([UInt8])
    }

    /// Reads properties by their names (`a{sv}`); those of other types are left out.
    func readProperties() throws(SystemError) -> [String: Value] {
        var result: [String: Value] = [:]
        try check(sd_bus_message_enter_container(pointer, BusMessage.letter("a"), "{sv}"))
        while try check(
            sd_bus_message_enter_container(pointer, BusMessage.letter("e"), "sv")) > 0
        {
            let name = try readText()
            let contents = try peek().contents
            try check(
                sd_bus_message_enter_container(pointer, BusMessage.letter("v"), contents))
            result[name] = try readValue(contents)
            try check(sd_bus_message_exit_container(pointer))
            try check(sd_bus_message_exit_container(pointer))
        }
        try check(sd_bus_message_exit_container(pointer))
        return result
    }

    private func readValue(_ contents: String) throws(SystemError) -> Value? {
        switch contents {
        case "s", "o": return .text(try readText())
        case "u", "t": return .number(try readNumber())
        case "ay": return .bytes(try readBytes())
        default:
            try check(sd_bus_message_skip(pointer, contents))
            return nil
        }
    }

    private func basic(_ kind: Character, _ text: String) throws(SystemError) {
        let code = text.withCString {
            sd_bus_message_append_basic(pointer, BusMessage.letter(kind), $0)
        }
        try check(code)
    }

    private func peek() throws(SystemError) -> (kind: Character, contents: String) {
        var kind: CChar = 0
        var contents: UnsafePointer<CChar>?
        try check(sd_bus_message_peek_type(pointer, &kind, &contents))
        return (
            Character(Unicode.Scalar(UInt8(bitPattern: kind))),
            contents.map { String(cString: $0) } ?? ""
        )
    }

    @discardableResult
    private func check(_ code: Int32) throws(SystemError) -> Int32 {
        try linuxCall("sd_bus_message", on: subject) { code }
    }

    private func unexpected(_ kind: Character) -> SystemError {
        SystemError(
            "sd_bus_message_read", on: subject, Errno(EBADMSG),
            advice: "the answer has \"\(kind)\" where something else belongs")
    }

    private static func letter(_ character: Character) -> CChar {
        CChar(bitPattern: character.asciiValue ?? 0)
    }
}

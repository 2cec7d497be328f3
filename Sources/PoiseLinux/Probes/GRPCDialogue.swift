import PoiseModel

/// A call of `grpc.health.v1.Health/Check` over HTTP/2 without an upgrade (prior knowledge).
///
/// Header fields of the answer are not read: only a message that says SERVING passes, and a call
/// that ends without one has failed whatever they say.
struct GRPCDialogue: ProbeDialogue {
    let opening: [UInt8]
    let mostBytes = 1 << 16
    private var splitter = HTTP2Splitter()
    private var isFirst = true
    private var message: [UInt8] = []

    /// Of the answer: a five-byte head, and a field of one number; longer ones are not read.
    private static let longestMessage = 1024
    private static let stream: UInt32 = 1

    init(_ address: NetworkAddress, service: String, within: Duration) {
        let settings = HTTP2Frame(
            kind: HTTP2Frame.Kind.settings, flags: 0, stream: 0,
            // No push, and no table of header fields.
            payload: [0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
        let headers = HTTP2Frame(
            kind: HTTP2Frame.Kind.headers, flags: HTTP2Frame.Flag.endHeaders,
            stream: GRPCDialogue.stream, payload: GRPCDialogue.headers(address, within))
        let name = Array(service.utf8)
        let field = name.isEmpty ? [] : [0x0A] + Varint.bytes(UInt64(name.count)) + name
        let data = HTTP2Frame(
            kind: HTTP2Frame.Kind.data, flags: HTTP2Frame.Flag.endStream,
            stream: GRPCDialogue.stream,
            payload: [0] + HTTP2Frame.bigEndian(UInt32(field.count)) + field)
        opening = HTTP2Frame.preface + settings.bytes + headers.bytes + data.bytes
    }

    /// Fields of HPACK's static table, or literals that are not put into any table (RFC 7541).
    private static func headers(_ address: NetworkAddress, _ within: Duration) -> [UInt8] {
        func text(_ text: String) -> [UInt8] {
            let bytes = Array(text.utf8)
            precondition(bytes.count < 127, "a header field of \(bytes.count) bytes")
            return [UInt8(bytes.count)] + bytes
        }
        let milliseconds = min(max(1, within.wholeMilliseconds), 99_999_999)
        return [0x83, 0x86]  // :method POST, :scheme http
            + [0x04] + text("/grpc.health.v1.Health/Check")  // :path
            + [0x01] + text("\(address)")  // :authority
            + [0x0F, 0x10] + text("application/grpc")  // content-type
            + [0x0F, 0x2B] + text("poised")  // user-agent
            + [0x00] + text("te") + text("trailers")
            + [0x00] + text("grpc-timeout") + text("\(milliseconds)m")
    }

    mutating func take(_ bytes: [UInt8]) -> ProbeStep {
        splitter.add(bytes)
        var replies: [UInt8] = []
        while true {
            switch splitter.next() {
            case .incomplete: return .more(replies)
            case .tooLong:
                let isOld = isFirst && splitter.unread.starts(with: Array("HTT".utf8))
                return .done(
                    .failed(isOld ? "answers in HTTP/1, not HTTP/2" : "does not answer in HTTP/2"))
            case .frame(let frame):
                switch take(frame) {
                case .more(let reply): replies += reply
                case .done(let answer): return .done(answer)
                }
            }
        }
    }

    mutating func end() -> ProbeAnswer { .failed("closed without an answer") }

    private mutating func take(_ frame: HTTP2Frame) -> ProbeStep {
        typealias Kind = HTTP2Frame.Kind
        if isFirst, frame.kind != Kind.settings || frame.stream != 0 {
            return .done(.failed("does not answer in HTTP/2"))
        }
        isFirst = false
        let isOurs = frame.stream == GRPCDialogue.stream
        switch frame.kind {
        case Kind.settings, Kind.ping: return acknowledge(frame)
        case Kind.goAway:
            let code = HTTP2Frame.number(frame.payload.dropFirst(4)).map { " (error \($0))" } ?? ""
            return .done(.failed("ends the connection\(code)"))
        case Kind.resetStream where isOurs:
            let code = HTTP2Frame.number(frame.payload[...]).map { " (error \($0))" } ?? ""
            return .done(.failed("refuses the call\(code)"))
        case Kind.pushPromise: return .done(.failed("pushes what nobody asked for"))
        case Kind.data where isOurs:
            guard let bytes = frame.unpadded else {
                return .done(.failed("sends a frame that cannot be"))
            }
            message += bytes
            if let answer { return .done(answer) }
            return frame.has(HTTP2Frame.Flag.endStream) ? .done(GRPCDialogue.noAnswer) : .more([])
        case Kind.headers where isOurs && frame.has(HTTP2Frame.Flag.endStream):
            return .done(GRPCDialogue.noAnswer)
        default: return .more([])
        }
    }

    /// Says that settings were read, and answers to pings.
    private func acknowledge(_ frame: HTTP2Frame) -> ProbeStep {
        if frame.has(HTTP2Frame.Flag.acknowledge) { return .more([]) }
        let isPing = frame.kind == HTTP2Frame.Kind.ping
        let isWhole = isPing ? frame.payload.count == 8 : frame.payload.count % 6 == 0
        guard frame.stream == 0, isWhole else {
            return .done(.failed("sends a frame that cannot be"))
        }
        let reply = HTTP2Frame(
            kind: frame.kind, flags: HTTP2Frame.Flag.acknowledge, stream: 0,
            payload: isPing ? frame.payload : [])
        return .more(reply.bytes)
    }

    private static let noAnswer = ProbeAnswer.failed(
        "ends the call without a status (does it offer grpc.health.v1.Health, and this service?)")

    /// What the message says; nil while it is not complete.
    private var answer: ProbeAnswer? {
        guard message.count >= 5, let length = HTTP2Frame.number(message[1..<5]) else { return nil }
        guard message[0] == 0, length <= GRPCDialogue.longestMessage else {
            return .failed("sends a message that is no health status")
        }
        guard message.count >= 5 + Int(length) else { return nil }
        guard let status = GRPCDialogue.status(message[5..<(5 + Int(length))]) else {
            return .failed("sends a message that is no health status")
        }
        let words = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
        guard status != 1 else { return .passed }
        return .failed("says \(status < 4 ? words[Int(status)] : "status \(status)")")
    }

    /// Field 1 of a `HealthCheckResponse`; 0 when it has none, nil when the bytes are no message.
    private static func status(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        var rest = bytes
        var status: UInt64 = 0
        while !rest.isEmpty {
            guard let key = Varint.take(&rest) else { return nil }
            switch key & 7 {
            case 0:
                guard let value = Varint.take(&rest) else { return nil }
                if key >> 3 == 1 { status = value }
            case 1, 5:
                let count = key & 7 == 1 ? 8 : 4
                guard rest.count >= count else { return nil }
                rest = rest.dropFirst(count)
            case 2:
                guard let count = Varint.take(&rest), count <= UInt64(rest.count) else {
                    return nil
                }
                rest = rest.dropFirst(Int(count))
            default: return nil
            }
        }
        return status
    }
}

/// Numbers of Protocol Buffers: seven bits a byte, the lowest first.
enum Varint {
    static func bytes(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// Takes one from the front; nil when it has no end within ten bytes.
    static func take(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}

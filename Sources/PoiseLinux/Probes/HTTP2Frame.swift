/// One frame of HTTP/2 (RFC 9113, section 4).
struct HTTP2Frame: Equatable {
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let resetStream: UInt8 = 3
        static let settings: UInt8 = 4
        static let pushPromise: UInt8 = 5
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
    }

    enum Flag {
        static let acknowledge: UInt8 = 0x1
        static let endStream: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
    }

    /// What a client sends before its first frame.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// The longest payload that may be sent to who has not asked for longer ones.
    static let longest = 16_384
    static let headBytes = 9

    var kind: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    var bytes: [UInt8] {
        precondition(payload.count <= HTTP2Frame.longest, "a frame of \(payload.count) bytes")
        let head: [UInt8] = [
            UInt8(truncatingIfNeeded: payload.count >> 16),
            UInt8(truncatingIfNeeded: payload.count >> 8),
            UInt8(truncatingIfNeeded: payload.count), kind, flags,
        ]
        return head + HTTP2Frame.bigEndian(stream & 0x7FFF_FFFF) + payload
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The number in the first four bytes; nil when there are fewer.
    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= 4 else { return nil }
        return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The payload without its padding; nil when that is longer than the frame.
    var unpadded: ArraySlice<UInt8>? {
        guard has(Flag.padded) else { return payload[...] }
        guard let padding = payload.first, Int(padding) < payload.count else { return nil }
        return payload.dropFirst().dropLast(Int(padding))
    }
}

/// Cuts a stream of bytes into frames.
struct HTTP2Splitter {
    private var rest: [UInt8] = []

    enum Next: Equatable {
        case frame(HTTP2Frame)
        /// A whole one is not there yet.
        case incomplete
        /// Longer than anybody may send us.
        case tooLong
    }

    mutating func add(_ bytes: [UInt8]) { rest += bytes }

    /// What came and is no whole frame yet.
    var unread: [UInt8] { rest }

    mutating func next() -> Next {
        guard rest.count >= 3 else { return .incomplete }
        let length = Int(rest[0]) << 16 | Int(rest[1]) << 8 | Int(rest[2])
        guard length <= HTTP2Frame.longest else { return .tooLong }
        let end = HTTP2Frame.headBytes + length
        guard rest.count >= end, let stream = HTTP2Frame.number(rest[5..<9]) else {
            return .incomplete
        }
        let frame = HTTP2Frame(
            kind: rest[3], flags: rest[4], stream: stream & 0x7FFF_FFFF,
            payload: Array(rest[HTTP2Frame.headBytes..<end]))
        rest.removeFirst(end)
        return .frame(frame)
    }
}

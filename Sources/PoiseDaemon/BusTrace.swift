import PoiseBus
import PoiseEngine
import PoiseModel

/// A caller that follows the messages of a topic.
struct BusTrace {
    let topic: String
    /// So many of each payload's bytes are shown; 0 shows none.
    let payloadBytes: Int
    /// So many messages are left to be shown; nil: without end.
    var left: Int?
    /// By link: which of its files are looked at.
    var observers: [String: (incarnation: Int, observer: RingObserver)] = [:]

    var number: UInt32 { BusTopic.number(topic) }

    /// A message, as the control socket says it.
    static func json(
        _ message: ObservedMessage, of link: BusLink, wallSeconds: Double
    ) -> JSON {
        let producer = link.producers.first { $0.index == message.producerIndex }
        var members: [JSON.Member] = [
            .init("time", .number(wallSeconds)), .init("route", .string(link.route)),
            .init("from", JSON(producer?.feature.name)), .init("to", .string(link.consumer.name)),
            .init("lane", .string(message.priority.word)),
            .init("sequence", .integer(Int(clamping: message.sequence))),
            .init("bytes", .integer(message.bytes)), .init("inArena", .bool(message.isInArena)),
        ]
        if let trace = message.context?.trace {
            let id = hex(trace.trace.high) + hex(trace.trace.low)
            members += [.init("traceId", .string(id)), .init("spanId", .string(hex(trace.span)))]
        }
        if let context = message.context, context.request != 0 {
            members += [
                .init("request", .integer(Int(clamping: context.request))),
                .init("isReply", .bool(context.isReply)),
            ]
        }
        if !message.firstBytes.isEmpty {
            let isText = message.firstBytes.allSatisfy { $0 >= 32 || $0 == 9 || $0 == 10 }
            let text = isText ? String(validating: message.firstBytes, as: UTF8.self) : nil
            members.append(
                text.map { .init("text", .string($0)) }
                    ?? .init("hex", .string(message.firstBytes.map { hex($0) }.joined())))
        }
        return .object(members)
    }

    private static func hex<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> String
    {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: Number.bitWidth / 4 - text.count) + text
    }
}

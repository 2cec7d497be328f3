import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// The memory of a link, as who makes it holds it.
final class BenchLink {
    let layout: LinkLayout
    private let producer: FileDescriptor
    private let consumer: FileDescriptor
    private let producerReadOnly: FileDescriptor
    private let consumerReadOnly: FileDescriptor

    init(ringBytes: Int) throws(BusError) {
        layout = LinkLayout(ringBytes: ringBytes)
        producer = FileDescriptor(
            adopting: try BusMemory.make(name: "poise-bench", bytes: layout.producerFileBytes),
            name: "a producer's memory")
        consumer = FileDescriptor(
            adopting: try BusMemory.make(name: "poise-bench", bytes: layout.consumerFileBytes),
            name: "a consumer's memory")
        producerReadOnly = FileDescriptor(
            adopting: try BusMemory.readOnly(producer.number), name: producer.name)
        consumerReadOnly = FileDescriptor(
            adopting: try BusMemory.readOnly(consumer.number), name: consumer.name)
    }

    /// What one side gets: the producer's file, then the consumer's; only its own can be written.
    func descriptors(of side: BusError.Side) -> [FileDescriptor] {
        switch side {
        case .producer: [producer, consumerReadOnly]
        case .consumer: [producerReadOnly, consumer]
        }
    }

    /// Both files, to be written.
    var files: [FileDescriptor] { [producer, consumer] }

    /// The counters of both sides, for who watches.
    func watch() throws(BusError) -> LinkWatch {
        LinkWatch(
            producer: try BusMemory(
                mapping: producerReadOnly.number, bytes: layout.producerFileBytes, writable: false),
            consumer: try BusMemory(
                mapping: consumerReadOnly.number, bytes: layout.consumerFileBytes, writable: false))
    }
}

/// Looks at a link's counters while others use it.
struct LinkWatch: ~Copyable {
    private let producer: BusMemory
    private let consumer: BusMemory

    init(producer: consuming BusMemory, consumer: consuming BusMemory) {
        self.producer = producer
        self.consumer = consumer
    }

    /// Messages that were published, in all lanes.
    var sent: Int { sum(producer.base + LinkWords.sent) }
    /// Messages that were taken and committed, in all lanes.
    var taken: Int { sum(consumer.base + LinkWords.taken) }
    /// Times that the producer rang.
    var wakes: Int { Int((producer.base + LinkWords.wakes).load(as: UInt64.self)) }

    private func sum(_ words: UnsafeMutableRawPointer) -> Int {
        (0..<LinkLayout.lanes).reduce(0) {
            $0 + Int(words.load(fromByteOffset: 8 * $1, as: UInt64.self))
        }
    }
}

/// The ends of links in a process that was given their descriptors, from 3 on and two a link.
enum GivenLinks {
    static let firstDescriptor: Int32 = 3

    static func writer(_ index: Int, _ order: BusEndOrder) throws(BusError) -> RingWriter {
        let files = try memory(index, order.layout, .producer)
        return try RingWriter(
            producer: files.producer, consumer: files.consumer, layout: order.layout,
            dropsOldest: order.dropsOldest)
    }

    static func reader(_ index: Int, _ order: BusEndOrder) throws(BusError) -> RingReader {
        let files = try memory(index, order.layout, .consumer)
        return try RingReader(
            producer: files.producer, consumer: files.consumer, layout: order.layout,
            dropsOldest: order.dropsOldest)
    }

    private struct Files: ~Copyable {
        var producer: BusMemory
        var consumer: BusMemory
    }

    private static func memory(
        _ index: Int, _ layout: LinkLayout, _ side: BusError.Side
    ) throws(BusError) -> Files {
        let first = firstDescriptor + 2 * Int32(index)
        return Files(
            producer: try BusMemory(
                mapping: first, bytes: layout.producerFileBytes, writable: side == .producer),
            consumer: try BusMemory(
                mapping: first + 1, bytes: layout.consumerFileBytes, writable: side == .consumer))
    }
}

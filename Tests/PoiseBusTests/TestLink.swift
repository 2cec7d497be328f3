import Glibc
import PoiseBus

/// The two files of a link, whose ends can be taken up again and again as after a crash.
final class TestLink: Sendable {
    let layout: LinkLayout
    let dropsOldest: Bool
    let producerFile: Int32
    let consumerFile: Int32

    init(ringBytes: Int = 4096, dropsOldest: Bool = false) throws {
        layout = LinkLayout(ringBytes: ringBytes)
        self.dropsOldest = dropsOldest
        producerFile = try BusMemory.make(name: "test-p", bytes: layout.producerFileBytes)
        consumerFile = try BusMemory.make(name: "test-c", bytes: layout.consumerFileBytes)
    }

    deinit {
        close(producerFile)
        close(consumerFile)
    }

    func writer() throws -> RingWriter {
        try RingWriter(
            producer: producer(writable: true), consumer: consumer(writable: false), layout: layout,
            dropsOldest: dropsOldest)
    }

    func reader() throws -> RingReader {
        try RingReader(
            producer: producer(writable: false), consumer: consumer(writable: true), layout: layout,
            dropsOldest: dropsOldest)
    }

    func producer(writable: Bool) throws -> BusMemory {
        try BusMemory(mapping: producerFile, bytes: layout.producerFileBytes, writable: writable)
    }

    func consumer(writable: Bool) throws -> BusMemory {
        try BusMemory(mapping: consumerFile, bytes: layout.consumerFileBytes, writable: writable)
    }
}

/// Runs something on a thread of its own until it returns.
final class TestThread {
    private final class Body {
        let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run)).toOpaque()
        pthread_create(
            &thread, nil,
            { pointer in
                if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
                return nil
            }, body)
    }

    func join() { pthread_join(thread, nil) }
}

import CLinux
import Glibc
import PoiseBus
import PoiseModel
import PoiseWire

/// A link in memory that outlives the hosts at its ends, as `poised` keeps it.
final class KeptLink {
    let name: String
    private let route: String
    private let sender: String
    private let receiver: String
    private let layout: LinkLayout
    private let full: FullRing
    private let producerFile: Int32
    private let consumerFile: Int32

    init(
        _ sender: String, _ receiver: String, route: String, ringBytes: Int = 64 << 10,
        full: FullRing = .block(.seconds(5))
    ) throws {
        name = "\(route):\(sender)>\(receiver)"
        (self.route, self.sender, self.receiver, self.full) = (route, sender, receiver, full)
        layout = LinkLayout(ringBytes: ringBytes)
        producerFile = try BusMemory.make(name: "p", bytes: layout.producerFileBytes)
        consumerFile = try BusMemory.make(name: "c", bytes: layout.consumerFileBytes)
    }

    deinit {
        close(producerFile)
        close(consumerFile)
    }

    /// Hands an end of it to a host.
    func attach(_ role: BusAttachment.Role, to host: HostProcess) throws {
        let isProducer = role == .producer
        guard let peer = FeatureID(isProducer ? receiver : sender) else { throw Errno.invalid }
        let closed = try BusMemory.readOnly(isProducer ? consumerFile : producerFile)
        defer { close(closed) }
        host.tell(
            .busAttach(
                BusAttachment(
                    link: name, incarnation: 1, role: role, route: route, peer: peer,
                    ringBytes: layout.ringBytes, full: full, wait: .adaptive, producerIndex: nil)),
            isProducer ? [producerFile, closed] : [closed, consumerFile])
    }

    /// A row that sends topics by this link alone.
    func row(_ topics: [String]) -> BusTable.Row {
        BusTable.Row(
            route: route, topics: topics,
            members: [[BusTable.Destination(link: name, share: 100)]], delivery: .broadcast)
    }

    /// Messages of normal priority that were ever published.
    func sent() throws -> UInt64 {
        let memory = try BusMemory(
            mapping: producerFile, bytes: layout.producerFileBytes, writable: true)
        return (memory.base + LinkWords.sent + 16).load(as: UInt64.self)
    }

    /// Writes over the producer's file what no producer would.
    func scribble() throws {
        let memory = try BusMemory(
            mapping: producerFile, bytes: layout.producerFileBytes, writable: true)
        for lane in 0..<4 {
            (memory.base + LinkWords.tails + 8 * lane).storeBytes(of: 3 << 40, as: UInt64.self)
        }
    }

    /// The state that the receiver kept last, of two numbers.
    func state() throws -> [UInt64] {
        let reader = try RingReader(
            producer: BusMemory(
                mapping: producerFile, bytes: layout.producerFileBytes, writable: false),
            consumer: BusMemory(
                mapping: consumerFile, bytes: layout.consumerFileBytes, writable: true),
            layout: layout, dropsOldest: false)
        let state = reader.state
        return stride(from: 0, to: state.count, by: 8).map {
            state.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
        }
    }
}

extension HostProcess {
    /// Starts a host for a test plugin, and waits until the plugin is started.
    static func started(
        _ plugin: String, config: JSON = [:], stateFolder: String = "/state",
        sandbox: [String] = [], _ prepare: (HostProcess) throws -> Void = { _ in }
    ) throws -> HostProcess {
        let host = try HostProcess(plugin: plugin, sandbox: sandbox)
        try prepare(host)
        host.tell(
            .start(
                feature: "tried", plugin: plugin, config: config,
                allocation: HostProcessTests.allocation, stateFolder: stateFolder))
        let news = try host.news { $0 == .started }
        guard news.last == .started else { throw Errno.invalid }
        return host
    }

    /// The gauges that its plugin reports.
    func gauges() throws -> [String: Double] {
        tell(.sample)
        while let news = try next() {
            guard case .report(let report) = news else { continue }
            return Dictionary(report.gauges.map { ($0.name, $0.value) }) { first, _ in first }
        }
        return [:]
    }

    /// Ends it as a crash does.
    func crash() throws {
        signal(SIGKILL)
        _ = try end()
    }
}

import CLinux
import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// Holds the links' memory between the auditing process and the ends, as `poised` does between
/// systemd and features, and may be killed as any of them.
enum AuditKeeper {
    /// Its descriptors: the socket, then each link's two files, both of which it may write.
    private static var socket: Int32 { GivenLinks.firstDescriptor }

    /// Answers requests of two bytes, a link and a side, with that side's descriptors.
    static func keep(_ order: BusEndOrder) throws(BusError) -> EndReport {
        BusEnd.ready()
        var request: [UInt8] = [0, 0]
        while true {
            var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, -1) > 0 else { continue }
            let count = read(socket, &request, request.count)
            guard count > 0 else { return EndReport() }
            guard count == 2, Int(request[0]) < order["links"] else { continue }
            let first = socket + 1 + 2 * Int32(request[0])
            let isProducer = request[1] == 0
            let foreign = try BusMemory.readOnly(isProducer ? first + 1 : first)
            let own = isProducer ? [first, foreign] : [foreign, first + 1]
            _ = poise_send_descriptors(socket, request, 2, own, 2)
            close(foreign)
        }
    }
}

/// The keeper, as the auditing process sees it.
final class KeeperProcess {
    private var end: EndProcess
    private let program: String
    private let links: [BenchLink]
    private var socket: FileDescriptor

    init(program: String, links: [BenchLink]) throws(SystemError) {
        self.program = program
        self.links = links
        (end, socket) = try KeeperProcess.start(program, links)
    }

    private static func start(
        _ program: String, _ links: [BenchLink]
    ) throws(SystemError) -> (EndProcess, FileDescriptor) {
        let (ours, theirs) = try LocalSocket.messagePair()
        let order = BusEndOrder(.keep, ["links": links.count])
        let end = try EndProcess(
            order, program: program, cpu: nil, given: [theirs] + links.flatMap(\.files))
        try end.awaitReady()
        try end.go()
        return (end, ours)
    }

    /// Kills it and starts another.
    func restart() throws(SystemError) {
        try end.kill()
        (end, socket) = try KeeperProcess.start(program, links)
    }

    /// The descriptors of one side of a link, out of the keeper's hands.
    func hand(_ link: Int, to side: BusError.Side) throws(SystemError) -> [FileDescriptor] {
        try socket.writeAll([UInt8(link), side == .producer ? 0 : 1])
        var watched = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 10_000) > 0 else {
            throw SystemError("recvmsg", on: "the keeper", .timedOut)
        }
        var numbers = [Int32](repeating: -1, count: Int(POISE_MOST_DESCRIPTORS))
        var count = UInt32(numbers.count)
        var bytes: [UInt8] = [0, 0]
        let length = poise_receive_descriptors(socket.number, &bytes, 2, &numbers, &count)
        let found = numbers.prefix(Int(count)).map {
            FileDescriptor(adopting: $0, name: "a link's memory")
        }
        guard length == 2, found.count == 2 else {
            throw SystemError("recvmsg", on: "the keeper", Errno(Int32(max(0, -length))))
        }
        return found
    }
}

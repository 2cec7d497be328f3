import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// A process at one end of a measurement, as who started it sees it.
final class EndProcess {
    let process: ChildProcess
    private let output: FileDescriptor
    private let start: FileDescriptor
    private var text: [UInt8] = []
    private let name: String
    private(set) var hasEnded = false

    /// - Parameters:
    ///   - given: what it has open from descriptor 3 on.
    ///   - library: put before all others (`LD_PRELOAD`).
    init(
        _ order: BusEndOrder, program: String, cpu: Int?, given: [FileDescriptor],
        library: String? = nil
    ) throws(SystemError) {
        name = order.role.rawValue
        let out = try FileDescriptor.pipe()
        let go = try FileDescriptor.pipe()
        // The child reads its start and waits for it.
        let flags = fcntl(go.reading.number, F_GETFL)
        _ = fcntl(go.reading.number, F_SETFL, flags & ~O_NONBLOCK)
        var request = SpawnRequest(
            program: program, arguments: [BusEnd.word] + order.words,
            environment: OwnEnvironment.variables)
        if let library { request.environment["LD_PRELOAD"] = library }
        request.descriptors = [
            0: go.reading, 1: out.writing,
            2: FileDescriptor(adopting: dup(STDERR_FILENO), name: "standard error"),
        ]
        for (index, descriptor) in given.enumerated() {
            request.descriptors[GivenLinks.firstDescriptor + Int32(index)] = descriptor
        }
        request.cpus = cpu.map { [$0] }
        request.parentDeathSignal = SIGKILL
        process = try ChildProcess.spawn(request)
        output = out.reading
        start = go.writing
    }

    /// Lets it begin.
    func go() throws(SystemError) { try start.writeAll([1]) }

    /// Waits until it has said that it is ready.
    func awaitReady(_ seconds: Int = 30) throws(SystemError) {
        try read(for: seconds) { text in text.starts(with: Array("ready\n".utf8)) }
        text.removeFirst(6)
    }

    /// Waits for its end and gives what it said.
    func report(within seconds: Int = 600) throws(SystemError) -> EndReport {
        try read(for: seconds) { _ in false }
        try reap()
        guard var report = EndReport(text: String(decoding: text, as: UTF8.self)),
            report["done"] == 1
        else {
            throw SystemError(
                "measuring", on: "the end \(name)", .invalid, advice: "it ended before it was done")
        }
        report["done"] = nil
        return report
    }

    /// Ends it at once (SIGKILL).
    func kill() throws(SystemError) {
        guard !hasEnded else { return }
        try process.signal(SIGKILL)
        try reap()
    }

    private func reap() throws(SystemError) {
        while !hasEnded {
            if try process.reap() != nil { hasEnded = true } else { usleep(100) }
        }
    }

    /// Whether it has ended by itself, without waiting.
    func isOver() throws(SystemError) -> Bool {
        if !hasEnded, try process.reap() != nil { hasEnded = true }
        return hasEnded
    }

    /// Reads what it says until that is enough or all.
    private func read(
        for seconds: Int, until isEnough: ([UInt8]) -> Bool
    ) throws(SystemError) {
        let end = MonotonicClock.now + .seconds(seconds)
        while !isEnough(text) {
            var watched = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
            if poll(&watched, 1, 1000) == 0, MonotonicClock.now > end {
                try kill()
                throw SystemError(
                    "measuring", on: "the end \(name)", .timedOut,
                    advice: "it said nothing for \(seconds) s")
            }
            switch try output.read() {
            case .bytes(let bytes): text += bytes
            case .nothing: continue
            case .end:
                if isEnough(text) { return }
                if text.starts(with: Array("ready\n".utf8)) || hasEndedWell { return }
                throw SystemError(
                    "starting", on: "the end \(name)", .invalid, advice: "its error stands above")
            }
        }
    }

    private var hasEndedWell: Bool { String(decoding: text, as: UTF8.self).contains("done 1") }

    deinit {
        guard !hasEnded else { return }
        do throws(SystemError) {
            try kill()
        } catch {
            // It has ended already.
            return
        }
    }
}

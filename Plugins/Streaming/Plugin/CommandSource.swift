import Glibc
import PoiseModel
import StreamingCore

/// Starts a program and reads its standard output.
///
/// The program ending well is the end of the stream; its failing breaks the source.
package struct CommandSource: EventSource {
    private let words: [String]

    package init(words: [String]) { self.words = words }

    package func run(_ feed: SourceFeed) -> SourceEnd {
        let producer: Producer
        do throws(Errno) {
            producer = try Producer.start(words)
        } catch {
            return .broken("cannot start \(words[0]): \(error) (check source.command)")
        }
        let name = words[0].split(separator: "/").last.map(String.init) ?? words[0]
        let clock = feed.pipeline.makeClock()
        var port = StreamPort(name: name, clock: clock)
        let problem = read(producer, &port, feed)
        if let (stream, lines) = port.finish(feed), !feed.isStopping { stream.feed(lines) }
        port.close()
        let status = producer.end(patience: feed.isStopping ? 200 : 0)
        if feed.isStopping { return .stopped }
        if let problem { return .broken("cannot read from \(words[0]): \(problem)") }
        guard status == 0 else { return .broken("\(words[0]) ended with \(Self.text(status))") }
        feed.pipeline.end(clock: clock)
        return .finished
    }

    private func read(_ producer: Producer, _ port: inout StreamPort, _ feed: SourceFeed) -> Errno?
    {
        while feed.waitForRoom() {
            var entries = [
                pollfd(fd: producer.output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: feed.bell.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&entries, 2, 1000)
            if entries[1].revents != 0 { feed.bell.silence() }
            guard entries[0].revents != 0 else { continue }
            switch Descriptor.read(producer.output, most: FileReader.chunk) {
            case .bytes(let bytes):
                guard let (stream, lines) = port.take(bytes, feed) else { continue }
                guard feed.feed(lines, to: stream) else { return nil }
            case .nothingNow: continue
            case .end: return nil
            case .failed(let error): return error
            }
        }
        return nil
    }

    private static func text(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "status \(status >> 8 & 0xff)" : "signal \(signal)"
    }
}

/// A child process in a process group of its own whose standard output is read (`posix_spawn(3)`).
private struct Producer {
    let process: pid_t
    let output: Int32

    static func start(_ words: [String]) throws(Errno) -> Producer {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(errno) }
        for end in ends { Descriptor.setCloseOnExec(end) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        var process: pid_t = 0
        let code = posix_spawnp(
            &process, words[0], &actions, &attributes, arguments, environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw Errno(code)
        }
        Descriptor.setNonBlocking(ends[0])
        return Producer(process: process, output: ends[0])
    }

    /// Waits for the end, after `patience` milliseconds with force; gives the wait status.
    func end(patience: Int) -> Int32 {
        close(output)
        var status: Int32 = 0
        kill(-process, patience > 0 ? SIGTERM : 0)
        for _ in 0..<(patience > 0 ? patience : 2000) {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process || (ended < 0 && errno != EINTR) { return status }
            usleep(1000)
        }
        kill(-process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

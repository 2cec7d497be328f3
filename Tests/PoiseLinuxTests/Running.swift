import Glibc
import PoiseLinux
import PoiseModel
import Testing

/// A started program whose output is read and whose input is written by a test.
final class Running {
    let process: ChildProcess
    private var input: FileDescriptor?
    private let output: FileDescriptor
    private var pending: [UInt8] = []

    static let patience = Duration.seconds(60)

    init(
        _ program: String, _ arguments: [String] = [],
        adjust: (inout SpawnRequest) -> Void = { _ in }
    ) throws {
        let forInput = try FileDescriptor.pipe()
        let forOutput = try FileDescriptor.pipe()
        var request = SpawnRequest(
            program: program, arguments: arguments,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"])
        // The child's reading end must wait.
        _ = fcntl(forInput.reading.number, F_SETFL, 0)
        request.descriptors = [0: forInput.reading, 1: forOutput.writing]
        adjust(&request)
        process = try ChildProcess.spawn(request)
        input = forInput.writing
        output = forOutput.reading
    }

    static func shell(
        _ script: String, adjust: (inout SpawnRequest) -> Void = { _ in }
    ) throws -> Running {
        try Running("/bin/sh", ["-c", script], adjust: adjust)
    }

    deinit {
        do {
            try process.signal(SIGKILL)
            _ = try end()
        } catch {
            Issue.record(error)
        }
    }

    /// The next line of output, without the newline.
    func line() throws -> String {
        while !pending.contains(UInt8(ascii: "\n")) {
            let more = try #require(try read(), "\(process.descriptor.name) has ended")
            pending += more
        }
        let line = pending.prefix { $0 != UInt8(ascii: "\n") }
        pending.removeFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }

    /// Everything up to its end.
    func rest() throws -> String {
        while let more = try read() { pending += more }
        return String(decoding: pending, as: UTF8.self)
    }

    func write(_ text: String) throws { try input?.writeAll(Array(text.utf8)) }

    func closeInput() { input = nil }

    /// How it ended, once it has.
    func end() throws -> ProcessEnd {
        if let known { return known }
        try waitFor(process.descriptor)
        let status = try #require(try process.reap())
        known = status
        return status
    }

    private var known: ProcessEnd?

    private func read() throws -> [UInt8]? {
        while true {
            switch try output.read() {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .nothing: try waitFor(output)
            }
        }
    }
}

/// Waits until `descriptor` can be read.
func waitFor(_ descriptor: FileDescriptor) throws {
    let epoll = try Epoll()
    try epoll.add(descriptor, token: 0, [.read])
    let ready = try epoll.wait(timeout: Running.patience)
    try #require(!ready.isEmpty, "nothing came from \(descriptor.name)")
}

/// Asks again until the answer is yes; only for what no descriptor tells.
func eventually(_ question: () throws -> Bool) throws -> Bool {
    let end = MonotonicClock.now + Running.patience
    while MonotonicClock.now < end {
        if try question() { return true }
        sched_yield()
    }
    return false
}

/// Does `work` again while it is refused: a child that another test is just starting has copies of
/// all descriptors of this process until its execve, closed ones here too.
func onceCopiesAreGone<Value>(_ work: () throws(SystemError) -> Value) throws -> Value {
    var result: Value?
    _ = try eventually {
        do throws(SystemError) {
            result = try work()
        } catch {
            guard error.errno == .addressInUse || error.errno == .tryAgain else { throw error }
        }
        return result != nil
    }
    return try #require(result)
}

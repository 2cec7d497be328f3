import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

/// Reads one segment line by line, each with its place.
struct SegmentReader {
    /// A line that is not as it was written.
    struct Damage: Error {
        var line: Int
        var text: String
        /// A last line that was cut short, as a crash leaves it.
        var isTorn = false
    }

    private let bytes: [UInt8]
    private var position = 0
    private var seal = SealedLine()
    private var apart: [String: [Input]] = [:]
    /// The number of the line that was read last, from 1.
    private(set) var line = 0

    /// No segment is longer; a recorder ends it far below.
    private static let longest = 256 << 20

    init(_ path: String) throws(SystemError) {
        // A named pipe that nobody writes to would keep a plain open waiting for ever.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        var facts = stat()
        guard fstat(file.number, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw SystemError("read", on: path, .invalid, advice: "it is no regular file")
        }
        var all: [UInt8] = []
        while case .bytes(let part) = try file.read(atMost: 1 << 20) {
            all += part
            guard all.count <= SegmentReader.longest else {
                throw SystemError(
                    "read", on: path, .invalid, advice: "no segment of records is so long")
            }
        }
        bytes = all
    }

    /// What a line says to those who compute turns again.
    enum Step {
        case checkpoint(RecordLine.Checkpoint)
        case turn(RecordLine.Turn, [Input])
    }

    /// The next turn or checkpoint; nil after the last.
    mutating func next() throws(Damage) -> Step? {
        while position < bytes.count {
            line += 1
            switch try read() {
            case .checkpoint(let checkpoint): return .checkpoint(checkpoint)
            case .apart(let name, let json):
                apart[name] = try decode([Input].self, json)
            case .turn(let turn):
                if let name = turn.inputs.array?.first?["apart"]?.string {
                    guard let inputs = apart[name] else {
                        throw Damage(line: line, text: "there are no inputs \(name) before it")
                    }
                    return .turn(turn, inputs)
                }
                return .turn(turn, try decode([Input].self, turn.inputs))
            }
        }
        return nil
    }

    private mutating func read() throws(Damage) -> RecordLine {
        let rest = bytes[position...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            position = bytes.count
            throw Damage(line: line, text: "it was cut short", isTorn: true)
        }
        let text = rest[..<end]
        position = end + 1
        guard seal.check(text) else {
            throw Damage(line: line, text: "its sum is not that of what was written")
        }
        let json: JSON
        do {
            json = try JSON.parse(Array(text))
        } catch {
            throw Damage(line: line, text: "\(error)")
        }
        guard let read = RecordLine(json) else {
            throw Damage(line: line, text: "it is no line of records")
        }
        return read
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ json: JSON
    ) throws(Damage) -> Value {
        do {
            return try JSONDecoding.decode(type, from: json)
        } catch {
            throw Damage(line: line, text: "\(error)")
        }
    }
}

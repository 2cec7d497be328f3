import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// The second process of a bus measurement: `poise` started again. It says that it is ready on
/// standard output, begins at the first byte of standard input, and then tells what it saw.
package enum BusEnd {
    /// The first word of its command line. People never type it.
    package static let word = "bench-bus-end"

    /// Does what the words after `word` say and gives the exit code.
    package static func run(_ words: some Sequence<String>) -> Int32 {
        guard let order = BusEndOrder(words: words) else {
            complain("\(word) is for poise bench bus alone (poise help bench bus)")
            return 2
        }
        do throws(BusError) {
            let report = try perform(order)
            say(report.text + "done 1\n")
            return 0
        } catch {
            complain("\(order.words.joined(separator: " ")): \(error)")
            return 1
        }
    }

    private static func perform(_ order: BusEndOrder) throws(BusError) -> EndReport {
        switch order.role {
        case .produce: try StreamEnds.produce(order)
        case .consume: try StreamEnds.consume(order)
        case .ping: try TripEnds.ping(order)
        case .pong: try TripEnds.pong(order)
        case .press: try SlowEnds.press(order)
        case .dawdle: try SlowEnds.dawdle(order)
        case .mix: try LaneEnds.mix(order)
        case .sort: try LaneEnds.sort(order)
        case .idle: try IdleEnd.run(order)
        case .auditProduce: try AuditEnds.produce(order)
        case .auditConsume: try AuditEnds.consume(order)
        case .keep: try AuditKeeper.keep(order)
        }
    }

    /// Tells that all is set up, and waits for the start.
    static func ready() {
        say("ready\n")
        var byte: UInt8 = 0
        while read(STDIN_FILENO, &byte, 1) < 0, errno == EINTR {}
    }

    static func say(_ text: String) { put(text, STDOUT_FILENO) }
    private static func complain(_ text: String) { put("poise: \(text)\n", STDERR_FILENO) }

    private static func put(_ text: String, _ descriptor: Int32) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Whoever asked is gone.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

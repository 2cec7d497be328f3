import PoiseModel

/// Where messages of a link wait for room, on disk: a file for each lane, in the sender's folder.
/// Used with the link's lock.
final class LinkSpill {
    private final class Lane {
        var file: SpillFile

        init(_ file: consuming SpillFile) { self.file = file }
    }

    private let lanes: [Lane]

    /// Opens what an earlier sender has left.
    init(
        link: String, folder: String, mostBytes: Int, writer: borrowing RingWriter
    ) throws(BusError) {
        var lanes: [Lane] = []
        for priority in BusPriority.allCases {
            // A link's name has signs that no file should have.
            let number = String(BusTopic.number(link), radix: 16)
            lanes.append(
                Lane(
                    try SpillFile.open(
                        path: "\(folder)/bus-\(number)-\(priority.word).spill",
                        mostBytes: mostBytes, nextSequence: writer.nextSequence(priority))))
        }
        self.lanes = lanes
    }

    var isEmpty: Bool { lanes.allSatisfy { $0.file.isEmpty } }

    /// Whether messages of a lane wait; those that follow have to wait behind them.
    func holds(_ priority: BusPriority) -> Bool { !lanes[priority.rawValue].file.isEmpty }

    /// Takes a message; false when it has no room.
    func append(
        _ payload: UnsafeRawBufferPointer, _ message: Reservation, nextSequence: UInt64
    ) throws(BusError) -> Bool {
        try lanes[message.priority.rawValue].file.append(
            payload, topic: message.topic, context: message.context, nextSequence: nextSequence)
    }

    /// Moves as many messages as there is room for into the ring.
    func drain(into writer: inout RingWriter) throws(BusError) {
        for priority in BusPriority.allCases where holds(priority) {
            _ = try lanes[priority.rawValue].file.drain(into: &writer, priority)
        }
    }
}

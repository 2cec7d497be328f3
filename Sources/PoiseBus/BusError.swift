package import PoiseModel

/// Why something on the bus could not be done.
package enum BusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a side wrote into the shared memory cannot be. Nothing more is read from it.
    case damaged(by: Side, String)
    /// The message is longer than the ring and the arena have room for.
    case tooLong(bytes: Int, most: Int)
    /// A system call failed: by its C name.
    case system(String, Errno)
    /// The memory is not as large as the layout says.
    case wrongSize(bytes: Int, wanted: Int)

    package enum Side: String, Sendable { case producer, consumer }

    package var description: String {
        switch self {
        case .damaged(let side, let text):
            "the \(side.rawValue)'s shared memory is damaged: \(text)"
        case .tooLong(let bytes, let most):
            "a message of \(bytes) bytes is too long (\(most) is the most)"
        case .system(let call, let errno): "\(call) failed on bus memory: \(errno)"
        case .wrongSize(let bytes, let wanted):
            "bus memory has \(bytes) bytes, where \(wanted) are wanted"
        }
    }
}

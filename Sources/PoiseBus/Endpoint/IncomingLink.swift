import Glibc
import PoiseModel

/// The consumer's end of a link in this process; used by who has the endpoint's receiving turn.
// tidy: allow, the endpoint's receiving turn guards what changes
final class IncomingLink: @unchecked Sendable {
    let end: LinkEnd
    /// Its number in this process; never used again.
    let source: UInt32
    /// The sender's name, never freed: a plugin may keep it.
    private let peerName: UnsafePointer<CChar>
    /// Of a shared ring: the senders' names by number; else nil.
    private let peerNames: [UnsafePointer<CChar>]?
    let reader: LinkReader
    /// Messages that were handed out and are not done.
    var handedOut = 0
    /// Messages that were taken while somebody looked for a reply, and wait for who receives.
    var stashed = 0
    /// Taken away: nothing more is taken from it.
    var isLeaving = false
    /// Its memory cannot be, or is somebody else's: nothing is committed any more.
    var isDamaged = false
    /// A state that could not be kept yet, since messages taken after it were not handed out.
    var deferred: [UInt8]?

    init(_ end: LinkEnd, source: UInt32, reader: consuming LinkReader) {
        self.end = end
        self.source = source
        self.reader = reader
        peerName = IncomingLink.lastingText(end.peer.name)
        guard case .reader(let writers) = end.sharing else {
            peerNames = nil
            return
        }
        let unknown = IncomingLink.lastingText(IncomingLink.unknownName)
        peerNames = (0..<SharedLayout.mostProducers).map { index in
            writers[index].map { IncomingLink.lastingText($0.name) } ?? unknown
        }
    }

    /// No feature has this name: of a producer that this process was not told of.
    private static let unknownName = "?"

    /// Who has sent a message that came by this link.
    func sender(of message: BusMessage) -> UnsafePointer<CChar> {
        guard let peerNames else { return peerName }
        return peerNames[message.producerIndex % SharedLayout.mostProducers]
    }

    var isUsed: Bool { handedOut > 0 || stashed > 0 }

    private static func lastingText(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
        return UnsafePointer(copy)
    }

    /// What was handed out is done.
    func commit() {
        handedOut = 0
        guard stashed == 0, !isDamaged else { return }
        if let state = deferred {
            deferred = nil
            state.withUnsafeBytes { reader.commit(state: $0) }
        } else {
            reader.commit()
        }
    }

    /// What was handed out is done, and `state` is kept.
    func commit(state: UnsafeRawBufferPointer) {
        handedOut = 0
        guard !isDamaged else { return }
        guard stashed == 0 else {
            deferred = Array(state)
            return
        }
        deferred = nil
        reader.commit(state: state)
    }
}

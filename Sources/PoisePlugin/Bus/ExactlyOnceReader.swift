/// Receives messages and keeps what is computed from them, so that each counts exactly once,
/// wherever the process is killed: the state of each source is kept in shared memory and changes in
/// the same step in which its messages are done.
///
/// Each source has a state of its own, since two links cannot change in one step. What is done
/// outside of the state, such as a file that is written, is done at least once.
///
/// ```swift
/// struct Counts: BitwiseCopyable { var messages = 0 }
/// let reader = ExactlyOnceReader(host.bus, initial: Counts())
/// while !ends {
///     try reader.read(within: .seconds(1)) { message, counts in counts.messages += 1 }
/// }
/// ```
public struct ExactlyOnceReader<State: BitwiseCopyable>: ~Copyable {
    private struct Kept {
        var source: Bus.Source
        var from: String
        var state: State
        var hasNews: Bool
    }

    private let bus: Bus
    private let initial: State
    private var kept: [Kept] = []

    /// - Parameter initial: what a source begins with that has no state yet. It has at most
    ///   `Bus.mostStateBytes`, and does not change its layout between two versions of a plugin
    ///   unless its length changes too: a state of another length is begun anew.
    public init(_ bus: Bus, initial: State) {
        precondition(
            MemoryLayout<State>.size <= Bus.mostStateBytes,
            "a state has \(MemoryLayout<State>.size) bytes, of \(Bus.mostStateBytes)")
        self.bus = bus
        self.initial = initial
    }

    /// The states as far as their sources have sent anything to this process.
    public var states: [(from: String, state: State)] { kept.map { ($0.from, $0.state) } }

    /// Waits for a message, gives it and its source's state to `body`, and goes on with what has
    /// come meanwhile, `most` messages at most; then keeps the states. How many there were.
    @discardableResult
    public mutating func read(
        within time: Duration, most: Int = 256,
        _ body: (borrowing IncomingMessage, inout State) -> Void
    ) throws(BusFailure) -> Int {
        var count = 0
        while count < most,
            let message = try bus.receive(within: count == 0 ? time : .zero)
        {
            let index = place(message)
            body(message, &kept[index].state)
            kept[index].hasNews = true
            count += 1
        }
        try keep()
        return count
    }

    private mutating func place(_ message: borrowing IncomingMessage) -> Int {
        let source = message.source
        if let known = kept.firstIndex(where: { $0.source == source }) { return known }
        let state = bus.state(of: source, as: State.self) ?? initial
        kept.append(Kept(source: source, from: message.from, state: state, hasNews: false))
        return kept.count - 1
    }

    private mutating func keep() throws(BusFailure) {
        var failure: BusFailure?
        for index in kept.indices where kept[index].hasNews {
            kept[index].hasNews = false
            do throws(BusFailure) {
                try bus.done(kept[index].source, keeping: kept[index].state)
            } catch {
                failure = error
            }
        }
        // A link that is gone keeps nothing: what is known of it stays with it, for who reads it
        // next.
        if let failure, failure != .gone { throw failure }
        if failure != nil { forgetGone() }
    }

    private mutating func forgetGone() {
        kept.removeAll { bus.state(of: $0.source, as: State.self) == nil }
    }
}

import PoiseBus
import PoiseModel

/// What the rings of one and of many producers have in common, for who sends.
protocol Sending: ~Copyable {
    mutating func room(_ bytes: Int, _ priority: BusPriority) throws(BusError)
        -> UnsafeMutableRawBufferPointer?
    mutating func put()
    mutating func publish()
    mutating func abort()
    func nextSequence(_ priority: BusPriority) -> UInt64
    mutating func waitForRoom(until deadline: UInt64, _ wait: BusWait) -> Bool
}

extension RingWriter: Sending {
    mutating func room(
        _ bytes: Int, _ priority: BusPriority
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        try reserve(bytes, topic: 1, priority: priority)
    }
    mutating func put() { stage() }
}

extension SharedRingWriter: Sending {
    mutating func room(
        _ bytes: Int, _ priority: BusPriority
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        try reserve(bytes, topic: 1, priority: priority)
    }
    mutating func put() { stage() }
}

/// The same for who receives.
protocol Receiving: ~Copyable {
    mutating func next() throws(BusError) -> BusMessage?
    mutating func commit(state: UnsafeRawBufferPointer)
    var state: UnsafeRawBufferPointer { get }
    mutating func wait(_ wait: BusWait, until deadline: UInt64) -> Bool
}

extension RingReader: Receiving {
    mutating func wait(_ wait: BusWait, until deadline: UInt64) -> Bool {
        waitForMessages(until: deadline, wait)
    }
}

extension SharedRingReader: Receiving {
    mutating func wait(_ wait: BusWait, until deadline: UInt64) -> Bool {
        waitForMessages(until: deadline, wait)
    }
}

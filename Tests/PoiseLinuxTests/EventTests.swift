import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct EventTests {
    @Test func manyRingsAreOneAndAnAnsweredBellIsQuiet() throws {
        let epoll = try Epoll()
        let bell = try Doorbell()
        try epoll.add(bell.descriptor, token: 7, [.read])
        #expect(try epoll.wait(timeout: .zero).isEmpty)
        for _ in 0..<3 { try bell.ring() }
        let ready = try epoll.wait(timeout: Running.patience)
        #expect(ready == [.init(token: 7, canRead: true, canWrite: false, hungUp: false)])
        #expect(try bell.answer())
        #expect(try !bell.answer())
        #expect(try epoll.wait(timeout: .zero).isEmpty)
    }

    @Test func interestsCanBeChangedAndTakenBack() throws {
        let epoll = try Epoll()
        let (one, other) = try LocalSocket.messagePair()
        try epoll.add(one, token: 1, [.read])
        #expect(try epoll.wait(timeout: .zero).isEmpty)
        try epoll.modify(one, token: .max, [.read, .write])
        let ready = try epoll.wait(timeout: Running.patience)
        #expect(ready == [.init(token: .max, canRead: false, canWrite: true, hungUp: false)])
        try epoll.remove(one)
        #expect(try LocalSocket.send([1], to: other) == 1)
        #expect(try epoll.wait(timeout: .zero).isEmpty)
        #expect(throws: SystemError.self) { try epoll.remove(one) }
    }

    @Test func hangupIsToldBesideWhatCanStillBeRead() throws {
        let epoll = try Epoll()
        let (one, other) = try LocalSocket.messagePair()
        try epoll.add(one, token: 4, [.read, .hangup])
        #expect(try LocalSocket.send([1, 2], to: other) == 2)
        _ = shutdown(other.number, Int32(SHUT_WR))
        let ready = try epoll.wait(timeout: Running.patience)
        #expect(ready == [.init(token: 4, canRead: true, canWrite: false, hungUp: true)])
        #expect(try one.read() == .bytes([1, 2]))
        #expect(try one.read() == .end)
    }

    @Test func timersRingOnceAgainOrNever() throws {
        let timer = try TimerDescriptor()
        #expect(try timer.expirations() == 0)
        let start = MonotonicClock.now
        try timer.set(at: start + .milliseconds(2))
        try waitFor(timer.descriptor)
        #expect(MonotonicClock.now >= start + .milliseconds(2))
        #expect(try timer.expirations() == 1)
        try timer.set(at: Instant(nanoseconds: -5))
        try waitFor(timer.descriptor)
        try timer.set(after: .zero, repeatingEvery: .microseconds(100))
        try waitFor(timer.descriptor)
        #expect(try timer.expirations() >= 1)
        try waitFor(timer.descriptor)
        try timer.stop()
        #expect(try timer.expirations() == 0)
    }

    @Test func signalsAreReadInsteadOfInterrupting() throws {
        let signals = try SignalDescriptor([SIGUSR1, SIGUSR2])
        #expect(try signals.receive().isEmpty)
        raise(SIGUSR2)
        try waitFor(signals.descriptor)
        let received = try signals.receive()
        #expect(received.map(\.signal) == [SIGUSR2])
        #expect(received.map(\.sender) == [getpid()])
        #expect(try signals.receive().isEmpty)
        // This thread belongs to the test runner.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        sigaddset(&set, SIGUSR2)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    @Test func theWallClockIsInThisCentury() {
        #expect(WallClock.now > 1_700_000_000)
    }
}

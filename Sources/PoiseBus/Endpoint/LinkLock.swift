import CLinux
import Glibc
import Synchronization

/// Lets one thread at a time use an end of a link; taking it uncontended is one atomic operation.
///
/// It knows its owner, so that a thread that already has it is refused instead of waiting for
/// itself. States of the word: 0 free, 1 taken, 2 taken and waited for (`futex(2)`).
final class LinkLock: Sendable {
    private static let spins = 64

    // tidy: allow, the pointed-to words are atomic; the kernel waits on the first
    nonisolated(unsafe) private let word: WaitWord
    private let owner = Atomic<UInt>(0)

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// Whether this thread has it.
    var isMine: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Whether somebody waits for it.
    var isWanted: Bool { word.pointee.load(ordering: .relaxed) == 2 }

    func tryLock() -> Bool {
        let (taken, _) = word.pointee.compareExchange(
            expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
        if taken { owner.store(UInt(pthread_self()), ordering: .relaxed) }
        return taken
    }

    func lock() {
        for _ in 0..<LinkLock.spins {
            if tryLock() { return }
            poise_bus_pause()
        }
        while word.pointee.exchange(2, ordering: .acquiring) != 0 {
            var wait = poise_bus_word(
                word: UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), value: 2,
                reserved: 0)
            _ = poise_bus_wait(&wait, 1, .max)
        }
        owner.store(UInt(pthread_self()), ordering: .relaxed)
    }

    func unlock() {
        owner.store(0, ordering: .relaxed)
        guard word.pointee.exchange(0, ordering: .releasing) == 2 else { return }
        _ = poise_bus_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
}

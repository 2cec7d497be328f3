import Glibc
import PoiseModel
import Synchronization

/// When the harm begins, and the word of it in the state folder.
final class HarmMoment: Sendable {
    private let file: String
    private let after: Int
    private let at = Atomic<Int>(.max)
    private let isTold = Atomic<Bool>(false)

    init(folder: String, after: Int, again: Int?) {
        file = folder + "/harm"
        self.after = access(file, F_OK) == 0 ? again ?? after : after
    }

    /// Counts from now.
    func set() { at.store(now(CLOCK_MONOTONIC) + after * 1_000_000, ordering: .relaxed) }

    func wait() {
        while !hasCome { usleep(1000) }
    }

    /// Whether it has come; the first time it is told.
    var hasCome: Bool {
        guard now(CLOCK_MONOTONIC) >= at.load(ordering: .relaxed) else { return false }
        if !isTold.exchange(true, ordering: .relaxed) { tell() }
        return true
    }

    private func tell() {
        guard let stream = fopen(file, "a") else { return }
        fputs("\(now(CLOCK_MONOTONIC)) \(now(CLOCK_REALTIME))\n", stream)
        fclose(stream)
    }

    private func now(_ clock: clockid_t) -> Int {
        var time = timespec()
        clock_gettime(clock, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

import CLinux
import Glibc
import PoiseModel
import Synchronization

/// Load on purpose, for `poise chaos`; this program does it, so that no other is needed.
///
/// It ends by itself after its time, or when `poised` does.
enum Strain: Equatable {
    case cpu(threads: Int)
    case memory(bytes: Int)
    /// Writes a file in a folder again and again, and waits for the disk each time.
    case disk(folder: String)

    /// No strain lasts longer, whoever asked for it.
    static let longest = 600

    /// Reads `cpu THREADS`, `memory BYTES` or `disk FOLDER`.
    init?(kind: String, amount: String) {
        switch kind {
        case "cpu":
            guard let threads = Int(amount), (1...256).contains(threads) else { return nil }
            self = .cpu(threads: threads)
        case "memory":
            guard let bytes = Int(amount), (1...1 << 40).contains(bytes) else { return nil }
            self = .memory(bytes: bytes)
        case "disk":
            guard amount.hasPrefix("/") else { return nil }
            self = .disk(folder: amount)
        default: return nil
        }
    }

    /// Goes on for so long, then ends the process.
    func run(milliseconds: Int) -> Never {
        // Whatever hangs, such as a disk: the kernel ends it.
        alarm(UInt32(min(milliseconds / 1000, Strain.longest)) + 2)
        let end = Instant.now + .milliseconds(min(milliseconds, Strain.longest * 1000))
        switch self {
        case .cpu(let threads): Strain.burn(threads, until: end)
        case .memory(let bytes): Strain.hold(bytes, until: end)
        case .disk(let folder): Strain.write(in: folder, until: end)
        }
        exit(0)
    }

    private static let burnEnd = Atomic<Int>(0)

    private static func burn(_ threads: Int, until end: Instant) {
        burnEnd.store(end.nanoseconds, ordering: .relaxed)
        for _ in 0..<(threads - 1) {
            let result = poise_host_thread("burn", { _ in Strain.spin() }, nil)
            guard result == 0 else { break }
        }
        spin()
    }

    private static func spin() {
        let end = burnEnd.load(ordering: .relaxed)
        while Instant.now.nanoseconds < end {}
    }

    private static func hold(_ bytes: Int, until end: Instant) {
        let step = 1 << 20
        var held = 0
        while held < bytes, Instant.now < end {
            guard let place = malloc(step) else {
                HostExit.complain("memory ended at \(held) of \(bytes) bytes: \(Errno(errno))")
                break
            }
            // Only what is written to is there.
            memset(place, 0x5a, step)
            held += step
        }
        while Instant.now < end { usleep(10_000) }
    }

    private static func write(in folder: String, until end: Instant) {
        let path = "\(folder)/.chaos-disk"
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            HostExit.end(.outside, "opening \(path) failed: \(Errno(errno))")
        }
        // Without a name the file is gone with this process, however it ends.
        unlink(path)
        let bytes = [UInt8](repeating: 0x5a, count: 1 << 20)
        var place = 0
        while Instant.now < end {
            let count = pwrite(file, bytes, bytes.count, place)
            if count < 0 || fsync(file) < 0 { usleep(1000) }
            place = (place + bytes.count) % (64 << 20)
        }
    }
}

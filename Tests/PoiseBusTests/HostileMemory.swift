import Glibc
import PoiseModel
import Synchronization

@testable import PoiseBus

/// Two files of a link or of a shared ring, of which one side writes over its own in ways that a
/// seed decides, with pages before and behind that nobody may touch: whoever reads or writes
/// outside dies of it.
final class HostileMemory: Sendable {
    private let address: UInt
    private let length: Int
    let first: Int
    let second: Int

    init(first: Int, second: Int) {
        self.first = (first + 4095) & ~4095
        self.second = (second + 4095) & ~4095
        length = self.first + self.second + 3 * 4096
        let flags = MAP_SHARED | MAP_ANONYMOUS
        address = UInt(bitPattern: mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0))
        precondition(address != UInt.max, "no memory")
        for fence in [0, 4096 + self.first, length - 4096] {
            mprotect(UnsafeMutableRawPointer(bitPattern: address + UInt(fence)), 4096, PROT_NONE)
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(bitPattern: address), length) }

    private func at(_ offset: Int) -> UnsafeMutableRawPointer {
        guard let start = UnsafeMutableRawPointer(bitPattern: address + UInt(offset)) else {
            preconditionFailure("no memory")
        }
        return start
    }

    func clear() {
        memset(firstBase, 0, first)
        memset(secondBase, 0, second)
    }

    var firstBase: UnsafeMutableRawPointer { at(4096) }
    var secondBase: UnsafeMutableRawPointer { at(2 * 4096 + first) }
}

/// What one who wants to harm writes over its own file.
struct Scribbler {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }

    /// Writes one word that is wrong in a plausible or in a wild way: mostly where indexes, lengths
    /// and numbers are.
    mutating func scribble(
        _ base: UnsafeMutableRawPointer, _ bytes: Int, near words: [Range<Int>]
    ) {
        let range = below(4) == 0 ? 0..<bytes : words[below(words.count)]
        let offset = range.lowerBound + below(range.count / 8) * 8
        guard offset + 8 <= bytes else { return }
        let word = LinkWords.word(base, offset)
        let old = word.pointee.load(ordering: .relaxed)
        word.pointee.store(wrong(old), ordering: .releasing)
    }

    private mutating func wrong(_ old: UInt64) -> UInt64 {
        switch below(14) {
        case 0: random.next()
        case 1: 0
        case 2: .max
        case 3: old &+ UInt64(below(64)) &* 16
        case 4: old &- UInt64(below(64)) &* 16
        case 5: old &+ 1
        case 6: old &- 1
        case 7: old ^ 1 << UInt64(below(64))
        case 8: old &+ UInt64(below(1 << 20))
        case 9: UInt64(below(1 << 13))
        case 10: old & 0xFFFF_FFFF_0000_0000 | random.next() & 0xFFFF_FFFF
        case 11: old ^ (1 << 48) << UInt64(below(8))
        case 12: 1 << 62
        default: old &+ 1 << 32
        }
    }
}

import CLinux
import Glibc
import PoiseModel

/// A sending feature's memory for messages that are too long for a ring: it lies in one file that
/// only the sender may write and all its receivers can read, so that a message to many is there
/// once.
///
/// How many still need a block is not counted in shared memory, where a hostile or dying receiver
/// could spoil the count: a block is held by each ring record that points to it, and that record's
/// receiver is done with it when its committed cursor has passed the record's end. So a receiver
/// that dies keeps its messages, and one that starts again finds them.
package struct ArenaWriter: ~Copyable {
    /// Which ring record holds a block: of which link and lane, and where it ends.
    package struct Hold: Sendable, Hashable {
        package var link: Int
        package var lane: Int
        package var end: UInt64

        package init(link: Int, lane: Int, end: UInt64) {
            self.link = link
            self.lane = lane
            self.end = end
        }
    }

    private struct Block {
        var length: Int
        var holds: [Hold]
    }

    static let pageBytes = 4096

    private let memory: BusMemory
    private let descriptor: Int32
    private var blocks: [Int: Block] = [:]
    /// Free stretches, by their offsets, none next to another.
    private var free: [(offset: Int, length: Int)]

    /// Takes over a descriptor; `memory` is the same, mapped writable. Blocks that are held since
    /// before are named by `hold`.
    package init(memory: consuming BusMemory, descriptor: Int32) {
        self.memory = memory
        self.descriptor = descriptor
        free = [(0, self.memory.bytes)]
    }

    deinit { close(descriptor) }

    package var bytes: Int { memory.bytes }
    package var freeBytes: Int { free.reduce(0) { $0 + $1.length } }

    /// Room for a message; nil when there is none now. It stays until it is released, or the last
    /// record that holds it was taken.
    package mutating func reserve(
        _ bytes: Int
    ) throws(BusError) -> (ArenaReference, UnsafeMutableRawBufferPointer)? {
        guard bytes <= memory.bytes else { throw .tooLong(bytes: bytes, most: memory.bytes) }
        let size = ArenaWriter.pages(bytes)
        guard let index = free.firstIndex(where: { $0.length >= size }) else { return nil }
        let offset = free[index].offset
        take(offset, size)
        blocks[offset] = Block(length: size, holds: [])
        return (
            ArenaReference(offset: offset, length: bytes),
            UnsafeMutableRawBufferPointer(start: memory.base + offset, count: bytes)
        )
    }

    /// A record holds a block. Also for those that lay in the rings before this sender started;
    /// false when such a one cannot be: it is outside, or overlaps another block.
    @discardableResult
    package mutating func hold(_ reference: ArenaReference, _ hold: Hold) -> Bool {
        // It may lie in a damaged file: its numbers are not added up before they are checked.
        guard (0...memory.bytes).contains(reference.offset),
            (0...memory.bytes - reference.offset).contains(reference.length)
        else { return false }
        let size = ArenaWriter.pages(reference.length)
        if let block = blocks[reference.offset] {
            guard size <= block.length else { return false }
        } else {
            let isFree = free.contains {
                $0.offset <= reference.offset && reference.offset + size <= $0.offset + $0.length
            }
            guard isFree, reference.offset % ArenaWriter.pageBytes == 0 else { return false }
            take(reference.offset, size)
            blocks[reference.offset] = Block(length: size, holds: [])
        }
        blocks[reference.offset]?.holds.append(hold)
        return true
    }

    /// Frees a block that no record holds after all.
    package mutating func release(_ reference: ArenaReference) {
        if let block = blocks[reference.offset], block.holds.isEmpty {
            blocks[reference.offset] = nil
            give(reference.offset, block.length)
        }
    }

    /// Frees what has been taken by all: `taken` gives how far a link's receiver has committed a
    /// lane, or nil when that is not known.
    package mutating func collect(_ taken: (_ link: Int, _ lane: Int) -> UInt64?) {
        for (offset, block) in blocks where !block.holds.isEmpty {
            let left = block.holds.filter { hold in
                taken(hold.link, hold.lane).map { $0 < hold.end } ?? true
            }
            if left.isEmpty {
                blocks[offset] = nil
                give(offset, block.length)
            } else if left.count != block.holds.count {
                blocks[offset]?.holds = left
            }
        }
    }

    /// A link is gone: nobody reads what it held.
    package mutating func forget(link: Int) {
        collect { other, _ in other == link ? .max : nil }
    }

    /// Gives the memory of all that is free back to the machine (`FALLOC_FL_PUNCH_HOLE`); it costs
    /// page faults when it is used again.
    package mutating func giveBack() throws(BusError) {
        for stretch in free {
            let code = poise_bus_punch_hole(
                descriptor, UInt64(stretch.offset), UInt64(stretch.length))
            guard code >= 0 else { throw .system("fallocate", Errno(-code)) }
        }
    }

    private static func pages(_ bytes: Int) -> Int {
        max(1, (bytes + pageBytes - 1) / pageBytes) * pageBytes
    }

    private mutating func take(_ offset: Int, _ size: Int) {
        guard let index = free.lastIndex(where: { $0.offset <= offset }) else { return }
        let whole = free[index]
        var left: [(offset: Int, length: Int)] = []
        if offset > whole.offset { left.append((whole.offset, offset - whole.offset)) }
        let end = offset + size
        if end < whole.offset + whole.length {
            left.append((end, whole.offset + whole.length - end))
        }
        free.replaceSubrange(index...index, with: left)
    }

    private mutating func give(_ offset: Int, _ size: Int) {
        let index = free.firstIndex { $0.offset > offset } ?? free.count
        free.insert((offset, size), at: index)
        if index + 1 < free.count, offset + size == free[index + 1].offset {
            free[index].length += free[index + 1].length
            free.remove(at: index + 1)
        }
        if index > 0, free[index - 1].offset + free[index - 1].length == offset {
            free[index - 1].length += free[index].length
            free.remove(at: index)
        }
    }
}

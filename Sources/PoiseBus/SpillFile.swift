import CLinux
import Glibc
package import PoiseModel

/// One lane's messages that found no room in the ring, on disk, in order, until they do.
///
/// Each is kept with the sequence number that it will have in the ring. So who starts again after a
/// crash knows from the ring's next number which of them have gone on already: nothing is lost and
/// nothing comes twice. It outlives the process, not the machine: nothing is synced to the disk.
package struct SpillFile: ~Copyable {
    private static let headerBytes = 32
    private static let mark: UInt32 = 0x5350_4C31
    /// No link ever had so many messages.
    private static let sequenceEnd: UInt64 = 1 << 62

    private let path: String
    private var descriptor: Int32
    private let mostBytes: Int
    /// Where the first message begins that is still to go, and where the last one ends.
    private var start = 0
    private var end = 0
    private var lastSequence: UInt64?
    /// Messages in it.
    package private(set) var count = 0

    /// Opens or makes the file; messages that the ring has already (`nextSequence` is its next
    /// number) are left out, and so is all from the first place on that has no whole message.
    package static func open(
        path: String, mostBytes: Int, nextSequence: UInt64
    ) throws(BusError) -> SpillFile {
        var file = SpillFile(
            path: path, mostBytes: mostBytes, descriptor: try descriptor(of: path))
        try file.recover(nextSequence)
        return file
    }

    private init(path: String, mostBytes: Int, descriptor: Int32) {
        self.path = path
        self.mostBytes = mostBytes
        self.descriptor = descriptor
    }

    private static func descriptor(
        of path: String, _ more: Int32 = 0
    ) throws(BusError) -> Int32 {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | more
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw .system("open of \(path)", Errno(errno)) }
        return descriptor
    }

    deinit { close(descriptor) }

    package var isEmpty: Bool { count == 0 }
    /// Bytes of the messages in it, their headers included.
    package var bytes: Int { end - start }

    private struct Header {
        var length: Int
        var topic: UInt32
        var sequence: UInt64
        var hasContext: Bool
        var isInArena: Bool

        /// Bytes of the message with all that goes with it.
        var size: Int {
            SpillFile.headerBytes + (hasContext ? Record.contextBytes : 0) + length
        }
    }

    /// Keeps a message behind all that are there; false when that would be more than the file may
    /// hold. `nextSequence` is the ring's.
    package mutating func append(
        _ payload: UnsafeRawBufferPointer, topic: UInt32, context: MessageContext?,
        inArena: Bool = false, nextSequence: UInt64
    ) throws(BusError) -> Bool {
        let contextBytes = context == nil ? 0 : Record.contextBytes
        let size = SpillFile.headerBytes + contextBytes + payload.count
        if end + size > mostBytes {
            guard bytes + size <= mostBytes else { return false }
            try compact()
        }
        let sequence = max(nextSequence, lastSequence.map { $0 &+ 1 } ?? 0)
        var whole = [UInt64](repeating: 0, count: (size + 7) / 8)
        whole.withUnsafeMutableBytes { room in
            room.storeBytes(of: SpillFile.mark, as: UInt32.self)
            room.storeBytes(of: topic, toByteOffset: 4, as: UInt32.self)
            room.storeBytes(of: UInt64(payload.count), toByteOffset: 8, as: UInt64.self)
            room.storeBytes(of: sequence, toByteOffset: 16, as: UInt64.self)
            let flags: UInt64 = (context == nil ? 0 : 1) | (inArena ? 2 : 0)
            let words = (room.load(as: UInt64.self), UInt64(payload.count), sequence)
            room.storeBytes(
                of: flags | SpillFile.sum(words.0, words.1, words.2, flags) << 32,
                toByteOffset: 24, as: UInt64.self)
            if let context, let base = room.baseAddress {
                Record.write(context, at: base + SpillFile.headerBytes)
            }
            UnsafeMutableRawBufferPointer(
                rebasing: room[(SpillFile.headerBytes + contextBytes)...]
            ).copyMemory(from: payload)
        }
        try write(whole, size)
        end += size
        count += 1
        lastSequence = sequence
        return true
    }

    /// Moves what the ring has room for into it, and says how many that were; they are published.
    /// `moved` hears of each one that lies in the arena, with where its record ends.
    package mutating func drain(
        into writer: inout RingWriter, _ priority: BusPriority,
        moved: (ArenaReference, UInt64) -> Void = { _, _ in }
    ) throws(BusError) -> Int {
        var done = 0
        while count > 0 {
            guard let header = try header(at: start) else {
                throw .system("read of \(path)", Errno(EIO))
            }
            if header.length > writer.layout.longestPayload {
                // The ring was made anew, and smaller: no such one will ever have room.
                skip(header)
                writer.count(LinkWords.refused, priority.rawValue)
                continue
            }
            let lead = SpillFile.headerBytes + (header.hasContext ? Record.contextBytes : 0)
            let context = header.hasContext ? try context(at: start + SpillFile.headerBytes) : nil
            guard
                let room = try writer.reserve(
                    header.length, topic: header.topic, priority: priority, context: context,
                    inArena: header.isInArena)
            else { break }
            let got = pread(descriptor, room.baseAddress, header.length, off_t(start + lead))
            guard got == header.length else {
                writer.abort()
                throw .system("read of \(path)", Errno(got < 0 ? errno : EIO))
            }
            writer.commit()
            if header.isInArena {
                let reference = ArenaReference(
                    offset: Int(truncatingIfNeeded: room.load(as: UInt64.self)),
                    length: Int(
                        truncatingIfNeeded: room.load(fromByteOffset: 8, as: UInt64.self)))
                moved(reference, writer.progress(priority).end)
            }
            skip(header)
            done += 1
        }
        if end > 0, count == 0 { empty() }
        return done
    }

    /// Goes on behind the first message.
    private mutating func skip(_ header: Header) {
        start += header.size
        count -= 1
    }

    /// Of a header, so that bytes that happen to look like one are seen to be none.
    private static func sum(
        _ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64
    ) -> UInt64 {
        // Multiplied by 2⁶⁴ over the golden ratio, as Knuth hashes (The Art of Computer
        // Programming, volume 3, 6.4).
        func mix(_ sum: UInt64, _ word: UInt64) -> UInt64 {
            let product = (sum ^ word) &* 0x9E37_79B9_7F4A_7C15
            return product ^ product >> 29
        }
        return mix(mix(mix(mix(1, first), second), third), fourth) >> 32
    }

    private mutating func write(_ whole: [UInt64], _ size: Int) throws(BusError) {
        var written = 0
        while written < size {
            let step = whole.withUnsafeBytes {
                pwrite(
                    descriptor, $0.baseAddress.map { $0 + written }, size - written,
                    off_t(end + written))
            }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { throw .system("write of \(path)", Errno(errno)) }
            written += step
        }
    }

    private func header(at offset: Int) throws(BusError) -> Header? {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let size = SpillFile.headerBytes
        let count = withUnsafeMutableBytes(of: &words) {
            pread(descriptor, $0.baseAddress, size, off_t(offset))
        }
        guard count >= 0 else { throw .system("read of \(path)", Errno(errno)) }
        guard count == size, UInt32(truncatingIfNeeded: words.0) == SpillFile.mark,
            words.1 <= UInt64(LinkLayout.longestInRing), words.2 < SpillFile.sequenceEnd,
            words.3 & 0xFFFF_FFFF < 4,
            words.3 >> 32 == SpillFile.sum(words.0, words.1, words.2, words.3 & 3),
            words.3 & 2 == 0 || words.1 == UInt64(ArenaReference.bytes)
        else { return nil }
        return Header(
            length: Int(words.1), topic: UInt32(truncatingIfNeeded: words.0 >> 32),
            sequence: words.2, hasContext: words.3 & 1 != 0, isInArena: words.3 & 2 != 0)
    }

    private func context(at offset: Int) throws(BusError) -> MessageContext {
        var words = [UInt64](repeating: 0, count: Record.contextBytes / 8)
        let count = words.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        guard count == Record.contextBytes else {
            throw .system("read of \(path)", Errno(count < 0 ? errno : EIO))
        }
        return words.withUnsafeBytes {
            $0.baseAddress.map(Record.context(at:)) ?? MessageContext()
        }
    }

    /// Walks what is there.
    private mutating func recover(_ nextSequence: UInt64) throws(BusError) {
        let size = Int(lseek(descriptor, 0, Int32(SEEK_END)))
        guard size >= 0 else { throw .system("lseek of \(path)", Errno(errno)) }
        while end < size, let header = try header(at: end) {
            // Numbers go up, also among those that have gone on.
            guard end + header.size <= size, lastSequence.map({ header.sequence > $0 }) ?? true
            else { break }
            end += header.size
            lastSequence = header.sequence
            if header.sequence < nextSequence { start = end } else { count += 1 }
        }
        guard ftruncate(descriptor, off_t(end)) == 0 else {
            throw .system("ftruncate of \(path)", Errno(errno))
        }
        if count == 0 { empty() }
    }

    /// A file with nothing in it begins anew; one that cannot be cut is cut later.
    private mutating func empty() {
        guard ftruncate(descriptor, 0) == 0 else { return }
        start = 0
        end = 0
    }

    /// What has gone on already is left out of a new file, which takes the place of the old one.
    private mutating func compact() throws(BusError) {
        let name = path + ".new"
        let fresh = try SpillFile.descriptor(of: name, O_TRUNC)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var copied = 0
        while copied < bytes {
            let most = min(buffer.count, bytes - copied)
            let got = pread(descriptor, &buffer, most, off_t(start + copied))
            guard got > 0, pwrite(fresh, buffer, got, off_t(copied)) == got else {
                let code = errno
                close(fresh)
                throw .system("copy of \(path)", Errno(code))
            }
            copied += got
        }
        guard rename(name, path) == 0 else {
            let code = errno
            close(fresh)
            throw .system("rename of \(name)", Errno(code))
        }
        close(descriptor)
        descriptor = fresh
        end = copied
        start = 0
    }
}

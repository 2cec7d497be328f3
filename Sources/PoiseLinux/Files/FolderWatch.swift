import CLinux
import Glibc
import PoiseModel

/// Tells which files of one folder were written, put there or taken away (`inotify(7)`).
///
/// The folder is watched and not a file in it, because editors and `rename` put a new file in the
/// old one's place.
package final class FolderWatch: Sendable {
    /// What happened since the last time it was asked.
    package struct Changes: Equatable, Sendable {
        /// The names of what changed, each once, in order.
        package var names: [String]
        /// The kernel ran out of room: anything may have changed.
        package var missedSome: Bool
        /// The folder itself is gone, and nothing more will be told.
        package var folderIsGone: Bool

        package init(names: [String] = [], missedSome: Bool = false, folderIsGone: Bool = false) {
            self.names = names
            self.missedSome = missedSome
            self.folderIsGone = folderIsGone
        }
    }

    /// Readable once something changed.
    package let descriptor: FileDescriptor

    /// Begins to watch `folder`.
    package init(_ folder: String) throws(SystemError) {
        let number = try systemCall("inotify_init1", on: folder) {
            inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number, name: "the watch on \(folder)")
        let kinds = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE
        let folderItself = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
        _ = try systemCall("inotify_add_watch", on: folder) {
            inotify_add_watch(number, folder, UInt32(kinds | folderItself))
        }
    }

    /// What changed since; nothing twice.
    package func changes() throws(SystemError) -> Changes {
        var changes = Changes()
        while case .bytes(let bytes) = try descriptor.read() {
            bytes.withUnsafeBytes { changes.take($0) }
        }
        changes.names = Set(changes.names).sorted()
        return changes
    }
}

extension FolderWatch.Changes {
    /// Takes in the events of one read: `struct inotify_event`, each with its name after it.
    fileprivate mutating func take(_ bytes: UnsafeRawBufferPointer) {
        let size = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + size <= bytes.count {
            let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let name = bytes[(offset + size)..<(offset + size + Int(event.len))].prefix { $0 != 0 }
            if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
            let has = { (flag: Int32) in event.mask & UInt32(bitPattern: flag) != 0 }
            if has(Int32(IN_Q_OVERFLOW)) { missedSome = true }
            if has(Int32(IN_IGNORED)) || has(Int32(IN_DELETE_SELF)) || has(Int32(IN_MOVE_SELF)) {
                folderIsGone = true
            }
            offset += size + Int(event.len)
        }
    }
}

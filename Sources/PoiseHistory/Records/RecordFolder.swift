import Glibc
package import PoiseLinux
import PoiseModel

/// The folder in which a daemon keeps its segments: `00000001.jsonl` and so on, a number for each.
package struct RecordFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// A segment that is there.
    struct Entry {
        var number: Int
        var bytes: Int
        /// When it was last written, in seconds since 1970.
        var writtenAt: Int
    }

    static let ending = ".jsonl"

    /// No segment has a higher number: the next one always exists.
    static let mostNumber = 1 << 53

    func path(of number: Int) -> String { "\(path)/\(RecordFolder.name(of: number))" }

    private static func name(of number: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ending
    }

    /// The number of a segment; nil for each name that a recorder would not have written.
    static func number(of name: String) -> Int? {
        guard name.hasSuffix(ending), let number = Int(name.dropLast(ending.count)),
            (0...mostNumber).contains(number), RecordFolder.name(of: number) == name
        else { return nil }
        return number
    }

    /// The segments that are there, oldest first.
    func entries() -> [Entry] {
        RecordFolder.names(in: path).compactMap { name in
            guard let number = RecordFolder.number(of: name) else { return nil }
            var facts = stat()
            guard stat(path(of: number), &facts) == 0, facts.st_mode & S_IFMT == S_IFREG
            else { return nil }
            return Entry(
                number: number, bytes: Int(facts.st_size), writtenAt: facts.st_mtim.tv_sec)
        }.sorted { $0.number < $1.number }
    }

    /// The clock is right when it agrees so well with the newest segment, in seconds.
    private static let agreement = 8 * 86_400
    /// At most so many go for their age at once: a clock that is wrong for a while takes little.
    private static let mostForAge = 2

    /// Removes the oldest segments until no more than `bytes` are left, and a few of those last
    /// written more than `longestAge` seconds before `now`, when that can be; never the newest one.
    func prune(to bytes: Int, longestAge: Int, now: Int) {
        var left = entries()
        var total = left.reduce(0) { $0 + $1.bytes }
        var (oldest, forAge) = (Int.min, RecordFolder.mostForAge)
        if let newest = left.last?.writtenAt, abs(newest - now) <= RecordFolder.agreement {
            oldest = min(now, newest) - longestAge
        }
        while left.count > 1 {
            let isTooMuch = total > bytes
            guard isTooMuch || (forAge > 0 && left[0].writtenAt < oldest) else { return }
            if !isTooMuch { forAge -= 1 }
            total -= left[0].bytes
            unlink(path(of: left[0].number))
            left.removeFirst()
        }
    }

    /// The paths of all segments that `path` stands for, oldest first: one file, a folder of
    /// segments, or a state folder of `poised`.
    package static func segments(at path: String) throws(SystemError) -> [String] {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw SystemError("stat", on: path, Errno(errno))
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else { return [path] }
        for folder in [path, path + "/turns", path + "/" + StateFolder.own + "/turns"] {
            let folder = RecordFolder(folder)
            let found = folder.entries()
            if !found.isEmpty { return found.map { folder.path(of: $0.number) } }
        }
        return []
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}

/// What `poised` keeps in its state folder beside the folders of features.
package enum StateFolder {
    /// No feature can have this name, so none can be given this folder.
    package static let own = "_poised"
}

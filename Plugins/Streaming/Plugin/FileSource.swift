import Glibc
import PoiseModel
import StreamingCore

/// Plays files: one, or all of a folder.
///
/// Files that name their series by a key column are read one after the other, in order of name, on
/// one clock; files that are a series each (key = path without ending) are read side by side, each
/// on a clock of its own.
///
/// With `again` a tape starts over at its end, its event times moved on by its span, so that time
/// does not run backwards.
package struct FileSource: EventSource {
    static let sideBySide = 16
    static let mostFiles = 10_000

    private let path: String
    private let isFolder: Bool
    private let again: Bool

    package init(path: String, isFolder: Bool, again: Bool) {
        self.path = path
        self.isFolder = isFolder
        self.again = again
    }

    package func run(_ feed: SourceFeed) -> SourceEnd {
        do throws(FileReader.Failure) {
            var waiting = try tapes(feed)
            var playing: [Tape] = []
            while !waiting.isEmpty || !playing.isEmpty {
                while playing.count < Self.sideBySide, !waiting.isEmpty {
                    playing.append(waiting.removeFirst())
                }
                var still: [Tape] = []
                for tape in playing {
                    switch try tape.play(feed) {
                    case .playing: still.append(tape)
                    case .atEnd:
                        if again, tape.rewind() { waiting.append(tape) } else { tape.end(feed) }
                    case .stopped: return .stopped
                    }
                }
                playing = still
            }
            return feed.isStopping ? .stopped : .finished
        } catch {
            return .broken(error.text)
        }
    }

    private func tapes(_ feed: SourceFeed) throws(FileReader.Failure) -> [Tape] {
        guard isFolder else {
            let name = Self.seriesName(path.split(separator: "/").last.map(String.init) ?? path)
            return [Tape(files: [(path, name)], feed)]
        }
        let files = try FolderListing.files(below: path).map { (path + "/" + $0, $0) }
        guard let first = files.first else {
            throw FileReader.Failure(
                text: "\(path): no .csv, .json, .jsonl or .ndjson file in this folder")
        }
        let format = try FileReader(path: first.0).readFormat(feed.finder, name: first.1)
        let named = files.map { ($0.0, Self.seriesName($0.1)) }
        if case .csv(let layout) = format, !layout.hasKey {
            return named.map { Tape(files: [$0], feed) }
        }
        return [Tape(files: named, feed)]
    }

    private static func seriesName(_ path: String) -> String {
        guard let dot = path.lastIndex(of: "."), dot > path.startIndex else { return path }
        return String(path[..<dot])
    }
}

/// Files that are read one after the other on one clock of event time.
private final class Tape {
    enum State { case playing, atEnd, stopped }

    private let files: [(path: String, name: String)]
    private let clock: Int
    private var position = 0
    private var reader: FileReader?
    private var stream: Stream?
    private var shift = 0
    private var span: (oldest: EventTime, newest: EventTime, lines: Int)?
    private var isFirstPass = true

    init(files: [(String, String)], _ feed: SourceFeed) {
        self.files = files
        clock = feed.pipeline.makeClock()
    }

    /// Feeds one chunk.
    func play(_ feed: SourceFeed) throws(FileReader.Failure) -> State {
        guard position < files.count else { return .atEnd }
        let file = files[position]
        guard let reader, let stream else {
            let reader = try FileReader(path: file.path)
            guard let format = try reader.readFormat(feed.finder, name: file.name) else {
                position += 1
                return .playing
            }
            let stream = feed.pipeline.open(clock: clock, format: format)
            stream.setShift(shift)
            (self.reader, self.stream) = (reader, stream)
            return .playing
        }
        if let lines = try reader.next() {
            guard feed.feed(lines, to: stream) else { return .stopped }
            for _ in 0..<reader.takeTooLong() { feed.pipeline.counters.refuse(.tooLong, file.path) }
            return .playing
        }
        // The next file must not overtake this one on their clock.
        while !stream.isParsed {
            if feed.isStopping { return .stopped }
            feed.bell.wait(milliseconds: 1)
        }
        note(stream)
        stream.close()
        (self.reader, self.stream) = (nil, nil)
        position += 1
        return position < files.count ? .playing : .atEnd
    }

    private func note(_ stream: Stream) {
        guard isFirstPass, let new = stream.span else { return }
        guard let old = span else {
            span = new
            return
        }
        span = (min(old.oldest, new.oldest), max(old.newest, new.newest), old.lines + new.lines)
    }

    /// Gets ready to play once more, later in event time; false when there was nothing to play.
    func rewind() -> Bool {
        guard let span else { return false }
        isFirstPass = false
        position = 0
        let length = span.newest.microseconds - span.oldest.microseconds
        shift += length + max(1, length / max(1, span.lines - 1))
        return shift < 1 << 58
    }

    func end(_ feed: SourceFeed) { feed.pipeline.end(clock: clock) }
}

/// The files below a folder, in order of their path.
enum FolderListing {
    private static let endings = [".csv", ".json", ".jsonl", ".ndjson"]

    static func files(below root: String) throws(FileReader.Failure) -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let path = folder.isEmpty ? root : root + "/" + folder
            guard let entries = names(in: path) else {
                throw FileReader.Failure(
                    text: "cannot list \(path): \(Errno(errno)) (check source.path)")
            }
            for name in entries {
                let inner = folder.isEmpty ? name : folder + "/" + name
                if isFolder(root + "/" + inner) {
                    folders.append(inner)
                } else if endings.contains(where: { name.hasSuffix($0) }) {
                    found.append(inner)
                }
            }
            guard found.count <= FileSource.mostFiles, folders.count <= FileSource.mostFiles else {
                throw FileReader.Failure(
                    text: "\(root): more than \(FileSource.mostFiles) files (name a smaller folder)"
                )
            }
        }
        return found.sorted()
    }

    private static func names(in path: String) -> [String]? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// Links to folders are not followed, so that a loop of links ends.
    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

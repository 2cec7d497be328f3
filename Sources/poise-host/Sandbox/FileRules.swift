import CLinux
import Glibc
import PoiseModel

/// What a plugin may do with files, for the kernel to hold (`landlock(7)`).
///
/// Landlock allows and never takes back, so a folder that is not to be seen is left out of the list
/// of those that may: instead of the folder above it each of its other entries is allowed. Such a
/// folder cannot be listed, and what is put into it later, also in place of a file that may be
/// read, is seen by plugins that are started after that.
///
/// To connect to a socket by its path needs no right of these: whoever listens there looks at who
/// calls.
struct FileRules {
    /// What every plugin may read when it is told what else it may.
    static let usual = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys"]
    /// Devices without memory of who used them, that every program counts on.
    private static let plainDevices = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
    ]
    /// Where every program may make files. Not /dev/shm: what lies there is memory, and stays when
    /// whoever put it there has ended; `memfd_create(2)` gives memory to share that does not.
    private static let scratch = ["/tmp"]

    private static let read = rights(POISE_FILE_EXECUTE, POISE_FILE_READ, POISE_FOLDER_READ)
    private static let write =
        read
        | rights(
            POISE_FILE_WRITE, POISE_FOLDER_REMOVE_FOLDER, POISE_FOLDER_REMOVE_FILE,
            POISE_FOLDER_MAKE_FOLDER, POISE_FOLDER_MAKE_FILE, POISE_FOLDER_MAKE_SOCKET,
            POISE_FOLDER_MAKE_PIPE, POISE_FOLDER_MAKE_LINK, POISE_FOLDER_MOVE, POISE_FILE_TRUNCATE,
            POISE_DEVICE_CONTROL)
    private static let all =
        write | rights(POISE_FOLDER_MAKE_CHARACTER_DEVICE, POISE_FOLDER_MAKE_BLOCK_DEVICE)
    /// What a rule for a file, and not for a folder, may name.
    private static let ofFiles = rights(
        POISE_FILE_EXECUTE, POISE_FILE_READ, POISE_FILE_WRITE, POISE_FILE_TRUNCATE,
        POISE_DEVICE_CONTROL)

    private let settings: SandboxSettings
    private let hidden: [String]
    private let pluginFolder: String
    private let version: Int32
    private var lacking: [String] = []

    init(_ settings: SandboxSettings, plugin: String) {
        self.settings = settings
        hidden = settings.hidden.map(FileRules.real)
        let folder = FileRules.real(plugin).split(separator: "/").dropLast()
        pluginFolder = "/" + folder.joined(separator: "/")
        version = poise_landlock_version()
    }

    /// Whether the kernel holds the rules but lets files be cut short that may only be read.
    var overlooksTruncation: Bool { version > 0 && version < 3 }

    /// Enters the rules, and gives what of them this kernel lacks.
    consuming func enter() -> [String] {
        guard version > 0 else {
            return [
                "no Landlock in this kernel (\(Errno(-version))): only their permissions keep "
                    + "files from the plugin"
            ]
        }
        let handled = FileRules.known(version)
        let rules = poise_landlock_rules(FileRules.all & handled, version >= 6 ? 1 : 0)
        Sandbox.demand(rules, "making the rules for files")
        allow(FileRules.read & handled, readable, rules)
        allow(FileRules.write & handled, writable, rules)
        let device = FileRules.write & FileRules.ofFiles & handled
        allow(device, FileRules.plainDevices.filter(FileRules.exists), rules)
        Sandbox.demand(poise_landlock_enter(rules), "entering the rules for files")
        close(rules)
        return lacking + (FileRules.unwatched(version).map { [$0] } ?? [])
    }

    private var readable: [String] {
        guard !settings.readable.isEmpty else { return ["/"] }
        let usual = FileRules.usual.filter(FileRules.exists)
        return usual + [pluginFolder] + settings.readable
    }

    private var writable: [String] {
        let own = getenv("TMPDIR").map { [String(cString: $0)] } ?? []
        return (FileRules.scratch + own).filter(FileRules.exists) + settings.writable
    }

    private mutating func allow(_ rights: UInt64, _ places: [String], _ rules: Int32) {
        for place in Set(places.map(FileRules.real)).sorted() { allow(rights, in: place, rules) }
    }

    /// Allows a place, or what of it is not hidden.
    private mutating func allow(_ rights: UInt64, in place: String, _ rules: Int32) {
        if hidden.contains(where: { FileRules.is($0, place) || FileRules.is(place, inside: $0) }) {
            return
        }
        guard hidden.contains(where: { FileRules.is($0, inside: place) }) else {
            return allowWhole(place, rights, rules)
        }
        for entry in FileRules.entries(of: place) {
            allow(rights, in: place == "/" ? "/\(entry)" : "\(place)/\(entry)", rules)
        }
    }

    private mutating func allowWhole(_ place: String, _ rights: UInt64, _ rules: Int32) {
        let named = poise_host_name(place)
        guard named >= 0 else {
            lacking.append("\(place) cannot be allowed: \(Errno(-named))")
            return
        }
        defer { close(named) }
        var facts = stat()
        guard fstat(named, &facts) == 0 else { return }
        switch facts.st_mode & S_IFMT {
        // What it leads to has a place of its own.
        case S_IFLNK: return
        case S_IFDIR: allow(named, place, rights, rules)
        default: allow(named, place, rights & FileRules.ofFiles, rules)
        }
    }

    private mutating func allow(
        _ named: Int32, _ place: String, _ rights: UInt64, _ rules: Int32
    ) {
        let result = poise_landlock_allow(rules, named, rights)
        // Sockets and pipes of no file system have no place, and need none.
        if result < 0, result != -EBADFD {
            lacking.append("\(place) cannot be allowed: \(Errno(-result))")
        }
    }

    /// The rights that a version of Landlock knows.
    private static func known(_ version: Int32) -> UInt64 {
        var unknown: UInt64 = 0
        if version < 2 { unknown |= rights(POISE_FOLDER_MOVE) }
        if version < 3 { unknown |= rights(POISE_FILE_TRUNCATE) }
        if version < 5 { unknown |= rights(POISE_DEVICE_CONTROL) }
        return ~unknown
    }

    /// What a version of Landlock lets through that a later one would not; nil for none.
    private static func unwatched(_ version: Int32) -> String? {
        let all = [
            (5, "ioctl(2) on devices"), (6, "abstract sockets and signals"),
        ]
        let missing = all.filter { $0.0 > version }.map(\.1)
        guard !missing.isEmpty else { return nil }
        return "Landlock \(version) of this kernel does not watch "
            + missing.joined(separator: ", ")
    }

    private static func rights(_ all: Int...) -> UInt64 {
        all.reduce(0) { $0 | UInt64($1) }
    }

    private static func `is`(_ path: String, _ other: String) -> Bool { path == other }

    private static func `is`(_ path: String, inside folder: String) -> Bool {
        path.hasPrefix(folder == "/" ? "/" : folder + "/") && path != folder
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The working folder, as long as it is there; `/` otherwise (`getcwd(3)`).
    private static var here: String {
        guard let found = getcwd(nil, 0) else { return "/" }
        defer { free(found) }
        return String(cString: found)
    }

    /// The path without links, as far as it is there (`realpath(3)`).
    private static func real(_ path: String) -> String {
        guard path.hasPrefix("/") else { return real(here + "/" + path) }
        var rest: [Substring] = []
        var head = path.split(separator: "/")
        while true {
            let place = "/" + head.joined(separator: "/")
            if let found = realpath(place, nil) {
                defer { free(found) }
                let whole = String(cString: found)
                guard !rest.isEmpty else { return whole }
                return (whole == "/" ? "" : whole) + "/" + rest.joined(separator: "/")
            }
            guard let last = head.popLast() else { return path }
            rest.insert(last, at: 0)
        }
    }

    /// The names in a folder; empty when it cannot be listed.
    private static func entries(of folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

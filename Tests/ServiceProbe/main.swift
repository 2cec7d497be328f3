import Glibc
import PoiseLinux
import PoiseModel

// Does what its arguments say, one after the other, as a service of systemd would, and prints what
// it finds. For tests: the environment of a service cannot be had in their own process.

let service = SystemdService()
let given = try service.takeDescriptors()
var words = CommandLine.arguments.dropFirst()

@MainActor func next() -> String { words.popFirst() ?? "" }

@MainActor func tellFacts() throws {
    print("there \(service.isThere)")
    print("watchdog \(service.watchdogInterval?.wholeMilliseconds ?? -1)")
    for (name, descriptor) in given {
        print("given \(name) \(fcntl(descriptor.number, F_GETFD) & FD_CLOEXEC)")
    }
    print("again \(try service.takeDescriptors().count)")
    print("journal \(Journal.isOurOutput)")
    let known = OwnEnvironment.variables.keys.filter { name in
        ["NOTIFY_", "LISTEN_", "WATCHDOG_", "JOURNAL_"].contains { name.hasPrefix($0) }
    }
    print("inherited \(known.sorted())")
}

/// What lies in a descriptor that came from systemd.
@MainActor func tellContent(_ name: String) throws {
    for (_, descriptor) in given.filter({ $0.name == name }) {
        try descriptor.setNonBlocking()
        guard case .bytes(let bytes) = try descriptor.read() else { continue }
        print("\(name) holds \(String(decoding: bytes, as: UTF8.self))")
    }
}

@MainActor func store(_ name: String, _ text: String) throws -> Bool {
    let (reading, writing) = try FileDescriptor.pipe()
    try writing.writeAll(Array(text.utf8))
    return try service.store(reading, name: name)
}

while let word = words.popFirst() {
    do throws(SystemError) {
        switch word {
        case "ready": print(try service.notify(.ready, .status(next())))
        case "reloading": print(try service.notify(.reloading(since: Instant(nanoseconds: 5_500))))
        case "stopping": print(try service.notify(.stopping))
        case "watchdog": print(try service.notify(.watchdog, .stillBusy(for: .seconds(2))))
        case "forget": print(try service.forget(name: next()))
        case "log":
            try Journal.send(
                priority: .notice, message: next(), fields: [("POISE_EVENT", next())])
        default:
            do {
                switch word {
                case "facts": try tellFacts()
                case "store": print(try store(next(), next()))
                case "read": try tellContent(next())
                case "wait": while getchar() != EOF {}
                case "pause": while true { pause() }
                default: exit(2)
                }
            } catch { print(error) }
        }
    } catch { print(error) }
    fflush(nil)
}

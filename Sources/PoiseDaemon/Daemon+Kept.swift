import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// What outlives the daemon, also when it is stopped in order: `STATE/_poised/kept`.
extension Daemon {
    private static let format = "poise-kept 1"

    private var keptPath: String { Daemon.ownFolder(in: options.stateFolder) + "/kept" }

    /// Writes it when it has changed; where the state folder is not ours nothing is kept in it.
    func keepState() {
        guard stateLock != nil else { return }
        do throws(CodingProblem) {
            let body: JSON = [
                "boot": .string(Daemon.bootID), "kept": try JSONEncoding.encode(engine.kept),
            ]
            let text = body.description
            guard text != keptState else { return }
            let line = "\(Daemon.format) \(Fingerprint(text))\n\(text)\n"
            attempt { () throws(SystemError) in
                try AtomicFile.write(keptPath, Array(line.utf8), mode: 0o600)
                // What could not be written is tried again.
                keptState = text
            }
        } catch {
            say("degraded", nil, "what is to be kept cannot be written: \(error)")
        }
    }

    /// Goes on where an earlier daemon ended.
    func takeKeptState(_ now: Instant) {
        guard let text = ProcessFiles.text(keptPath) else { return }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        do {
            guard lines.count >= 2, lines[0].hasPrefix(Daemon.format + " ") else {
                throw CodingProblem("it is of another version")
            }
            guard lines[0].dropFirst(Daemon.format.count + 1) == "\(Fingerprint(lines[1]))" else {
                throw CodingProblem("its checksum is wrong: it was damaged")
            }
            let json = try JSON.parse(Array(lines[1].utf8))
            guard let kept = json["kept"] else { throw CodingProblem("nothing is in it") }
            engine.take(
                try JSONDecoding.decode(KeptState.self, from: kept),
                isSameBoot: json["boot"]?.string == Daemon.bootID, now: now)
            keptState = String(lines[1])
        } catch {
            // A daemon that is to be started for ever must not stumble over it again.
            let aside = keptPath + ".damaged"
            rename(keptPath, aside)
            say(
                "found", nil,
                "\(keptPath) says nothing: \(error); breakers begin anew (it is kept as \(aside))")
        }
    }
}

extension Directive {
    /// Whether it tells of something that outlives the daemon.
    var isToBeKept: Bool {
        guard case .note(let event) = self else { return false }
        return switch event.kind {
        case .detected, .opened, .probing, .closed, .enabled, .disabled, .level, .rollout: true
        default: false
        }
    }
}

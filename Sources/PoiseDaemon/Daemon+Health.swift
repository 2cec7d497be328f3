import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel

// Checks of features: begun when they are due, given up at their deadline, never waited for.
extension Daemon {
    /// Begins what is due and gives up what is late; once in each round of the loop.
    func followChecks() {
        let now = MonotonicClock.now
        if checks.turn != turns {
            checks.turn = turns
            for key in checks.adopt(engine, now: now) { giveUp(key) }
        }
        guard let next = checks.nextMoment, next <= now else { return }
        for key in checks.overdue(now: now) {
            let within = checks.runs[key].map { QuantityText.duration($0.within) } ?? ""
            giveUp(key)
            post(.failed("no answer within \(within)"), of: key)
        }
        for key in checks.due(now: now) {
            checks.begin(key, now: now)
            begin(key, now)
        }
        checks.reckon()
    }

    private func begin(_ key: CheckKey, _ now: Instant) {
        guard let slot = checks.slots[key] else { return }
        switch slot.target {
        case .feature: break
        case .file(let path): post(FileProbe.answer(path), of: key)
        case .tcp(let address): ask(.connection, address, slot, key, now)
        case .http(let address, let path, let status):
            ask(.http(path: path, status: status), address, slot, key, now)
        case .grpc(let address, let service):
            ask(.grpc(service: service, within: slot.within), address, slot, key, now)
        case .command(let words): run(words, slot, key, now)
        }
    }

    private func ask(
        _ question: NetworkProbe.Question, _ address: NetworkAddress, _ slot: CheckSchedule.Slot,
        _ key: CheckKey, _ now: Instant
    ) {
        do throws(SystemError) {
            let probe = try NetworkProbe(question, address)
            let token = try watch(probe.descriptor, .check(key), probe.interest)
            checks.follow(
                key, .init(.probe(probe), token: token, now: now, within: slot.within))
        } catch {
            guard error.call == "connect" else {
                // Nobody was asked, so nobody failed.
                return say("degraded", key.feature, "its check \(key.check) was not made: \(error)")
            }
            post(.failed(NetworkProbe.words(error.errno)), of: key)
        }
    }

    private func run(
        _ words: [String], _ slot: CheckSchedule.Slot, _ key: CheckKey, _ now: Instant
    ) {
        let feature = key.feature
        do throws(SystemError) {
            var birth = CheckCommand.Birth()
            if let user = hostUsers?.user(of: feature) {
                let home = "\(options.stateFolder)/\(feature)"
                try Folder.make(home, for: user)
                birth.user = user
                birth.home = home
            }
            birth.placement = engine.records[feature]?.allocation.flatMap(enforcer.placement)
            if units.units[feature] == nil {
                birth.cgroup = try enforcer.groups?.folder.descriptor(of: feature)
            }
            let command = try CheckCommand(words, key, place: slot.place, birth)
            let token = try watch(command.process.descriptor, .check(key), .read)
            checks.follow(
                key, .init(.command(command), token: token, now: now, within: slot.within))
        } catch {
            post(.failed("\(error)"), of: key)
        }
    }

    /// Something came from a probe, or a command has ended.
    func takeCheck(_ key: CheckKey, token: UInt64) {
        guard let run = checks.runs[key], run.token == token else { return }
        switch run.means {
        case .probe(let probe):
            guard let answer = probe.advance() else {
                attempt(key.feature) { () throws(SystemError) in
                    try epoll.modify(probe.descriptor, token: token, probe.interest)
                }
                return
            }
            unwatch(probe.descriptor, token)
            checks.end(key)
            post(answer, of: key)
        case .command(let command):
            command.killGroup()
            let end = attempt(key.feature) { () throws(SystemError) in
                try command.process.reap()
            }
            guard let known = end ?? nil else { return }
            unwatch(command.process.descriptor, token)
            checks.end(key)
            command.killLeft(orphans)
            reapOrphans()
            guard !run.isGivenUp else { return }
            post(known == .exited(code: 0) ? .passed : .failed("ends with \(known)"), of: key)
        }
    }

    /// Waits for the outcome of a check no more: a connection is closed, a command killed.
    private func giveUp(_ key: CheckKey) {
        guard let run = checks.runs[key], !run.isGivenUp else { return }
        switch run.means {
        case .probe(let probe):
            unwatch(probe.descriptor, run.token)
            checks.end(key)
        case .command(let command):
            run.isGivenUp = true
            command.kill()
        }
    }

    /// Tells the engine how a check went; that it passes again and again is no news.
    private func post(_ answer: ProbeAnswer, of key: CheckKey) {
        switch answer {
        case .passed where engine.health.passes(key.feature, key.check): break
        case .passed: inbox.post(.checked(key.feature, check: key.check, .passed))
        case .failed(let text):
            inbox.post(
                .checked(key.feature, check: key.check, .failed(CheckOutcome.short(text))))
        }
    }
}

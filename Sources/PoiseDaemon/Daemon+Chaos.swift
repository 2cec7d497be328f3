import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Harm on purpose (`poise chaos`), where the daemon was started for it.
extension Daemon {
    /// The wall clock as the daemon takes it: a fault may make it jump.
    ///
    /// Deadlines do not follow it: the monotonic clock cannot jump on Linux, so nothing here can
    /// make it.
    var wallNow: Double { WallClock.now + chaos.clockOffset.inSeconds }

    /// The member `chaos` of the status; null where it is off.
    var chaosJSON: JSON {
        guard options.allowsChaos else { return .null }
        let now = MonotonicClock.now
        return [
            "injected": .integer(chaos.injected),
            "active": .array(
                chaos.entries.map { entry in
                    [
                        "number": .integer(entry.number),
                        "fault": .string(entry.injection.fault.rawValue),
                        "feature": JSON(entry.injection.feature?.name),
                        "endsInSeconds": .number(max(.zero, entry.ends - now).inSeconds),
                        "text": .string(entry.how), "count": .integer(entry.count),
                    ]
                }),
        ]
    }

    func commandChaos(_ call: ControlCall) -> ControlReply {
        let command = call.parameters["command"]?.string
        if command == "list" { return ControlReply(["chaos": chaosJSON]) }
        guard command == "inject" else {
            return ControlReply(.badParameters, "the parameter command is inject or list")
        }
        guard options.allowsChaos else {
            return ControlReply(
                .refused,
                "this poised does no harm on purpose (start one for that with poised --chaos, "
                    + "where nobody relies on it)")
        }
        guard !engine.isShuttingDown else { return ControlReply(.refused, "poised is stopping") }
        do throws(WireError) {
            return inject(try ChaosInjection(json: call.parameters))
        } catch {
            return ControlReply(.badParameters, error.description)
        }
    }

    private func inject(_ injection: ChaosInjection) -> ControlReply {
        let fault = injection.fault
        if let feature = injection.feature {
            guard engine.records[feature] != nil else { return noFeature(feature.name) }
            guard processes[feature] != nil else {
                let isUnit = units.units[feature] != nil
                let why =
                    isUnit ? "is a unit of systemd, which has no process of ours" : "does not run"
                return ControlReply(.refused, "\(feature) \(why): there is nothing to harm")
            }
        }
        if chaos.entry(fault, injection.feature) != nil {
            return ControlReply(
                .busy, "\(fault.rawValue) goes on already (wait until it is over: poise chaos list)"
            )
        }
        guard chaos.entries.count < ChaosBook.mostEntries else {
            return ControlReply(.busy, "\(ChaosBook.mostEntries) faults go on already")
        }
        let now = MonotonicClock.now
        var entry = ChaosBook.Active(
            number: chaos.nextNumber(), injection: injection, began: now,
            ends: now + injection.duration, how: fault.words)
        do throws(SystemError) {
            try begin(&entry)
        } catch {
            return ControlReply(.refused, "\(fault.rawValue) cannot be done: \(error)")
        }
        // What is over at once needs no end.
        if fault != .kill { chaos.add(entry) }
        say("chaos", injection.feature, "injected \(injection.words): \(entry.how)")
        return ControlReply([
            "number": .integer(entry.number), "text": .string(entry.how),
            "active": .bool(fault != .kill),
        ])
    }

    private func begin(_ entry: inout ChaosBook.Active) throws(SystemError) {
        let injection = entry.injection
        let process = injection.feature.flatMap { processes[$0] }
        switch injection.fault {
        case .kill:
            try process?.handle.signal(SIGKILL)
            entry.how = "process \(process?.pid ?? 0) was sent SIGKILL"
        case .stop:
            process?.signal(SIGSTOP, orphans: orphans)
            entry.how = "its processes were sent SIGSTOP"
        case .cpuBurn:
            try strain(&entry, "cpu", "\(injection.threads)")
        case .memoryHog: try strain(&entry, "memory", "\(injection.memoryBytes)")
        case .slowDisk: try slowDisk(&entry)
        case .droppedReports: entry.how = "reports and answers of its host are dropped"
        case .delayedAnswers: entry.how = "what its host says is held back"
        case .refusedWrite:
            if let folder = enforcer.groups?.folder {
                folder.refusesNext = injection.writes
                entry.how = "writes to control groups are refused with EIO"
            } else {
                entry.how = "changes of allocations are refused with EIO"
            }
        case .clockJump:
            chaos.clockOffset = injection.jump
            let kept = "the monotonic clock, which deadlines follow, cannot"
            entry.how = "the wall clock of poised has jumped; \(kept)"
        }
    }

    /// Ends what is due, and hands on what was held back for long enough.
    func lookAfterChaos() {
        let now = MonotonicClock.now
        handOn(chaos.release { $0.due <= now }, now: now)
        for entry in chaos.remove(where: { $0.ends <= now }) { undo(entry, "its time is over") }
    }

    /// Ends all faults, or those of one feature.
    func endChaos(_ because: String, of feature: FeatureID? = nil) {
        let over = chaos.remove { feature == nil || $0.injection.feature == feature }
        for entry in over { undo(entry, because) }
    }

    private func undo(_ entry: ChaosBook.Active, _ because: String) {
        let process = entry.injection.feature.flatMap { processes[$0] }
        var text = because
        switch entry.injection.fault {
        case .kill: break
        case .stop: process?.signal(SIGCONT, orphans: orphans)
        case .cpuBurn, .memoryHog: end(entry.strain)
        case .slowDisk:
            end(entry.strain)
            quickenDisk(entry)
        case .droppedReports: text += "; \(entry.count) messages were dropped"
        case .delayedAnswers:
            text += "; \(entry.count) messages were held back"
            let feature = entry.injection.feature
            handOn(chaos.release { $0.feature == feature }, now: MonotonicClock.now)
        case .refusedWrite:
            var count = entry.count
            if let folder = enforcer.groups?.folder {
                count = entry.injection.writes - folder.refusesNext
                folder.refusesNext = 0
            }
            text += "; \(count) of \(entry.injection.writes) were refused"
        case .clockJump: chaos.clockOffset = .zero
        }
        say("chaos", entry.injection.feature, "ended \(entry.injection.fault.rawValue): \(text)")
    }

    private func handOn(_ held: [ChaosBook.Held], now: Instant) {
        for one in held {
            guard let process = processes[one.feature] else { continue }
            receive(one.bytes, from: process, now: now)
        }
    }
}

// Where faults bite.
extension Daemon {
    /// Whether a fault takes a host's datagram away, for good or for a while.
    func isDisturbed(_ bytes: [UInt8], of feature: FeatureID, now: Instant) -> Bool {
        guard !chaos.entries.isEmpty else { return false }
        if let entry = chaos.entry(.droppedReports, feature),
            [.reports, .health, .answers].contains(TrafficClass(peeking: bytes))
        {
            chaos.count(entry.number)
            return true
        }
        guard let entry = chaos.entry(.delayedAnswers, feature),
            chaos.hold(bytes, of: feature, until: now + entry.injection.delay)
        else { return false }
        chaos.count(entry.number)
        return true
    }

    /// Why the change that is to be made now is refused, where no control group refuses it; nil
    /// when none is to be.
    func refusesByChaos() -> String? {
        guard enforcer.groups == nil, let entry = chaos.entry(.refusedWrite, nil),
            entry.count < entry.injection.writes
        else { return nil }
        chaos.count(entry.number)
        return "the write was refused: \(Errno(EIO)) (poise chaos did it)"
    }
}

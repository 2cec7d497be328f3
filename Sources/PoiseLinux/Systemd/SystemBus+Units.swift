import CSystemd
import Glibc
package import PoiseModel

extension SystemBus {
    /// Asks what systemd has of a unit; a unit that there is not has the load state `not-found`
    /// (`org.freedesktop.DBus.Properties.GetAll`).
    package func unit(
        _ name: String, deadline: Duration = usualDeadline,
        then: @escaping (Result<UnitState, SystemError>) -> Void
    ) {
        let path: String
        do throws(SystemError) { path = try checkedPath(of: name) } catch {
            return then(.failure(error))
        }
        let interface = Systemd.interface(of: name) ?? Systemd.unit
        properties(of: Systemd.unit, at: path, name, deadline) { [weak self] general in
            guard case .success(let general) = general, let self else {
                return then(.failure(general.failure ?? SystemBus.isGone(name)))
            }
            self.properties(of: interface, at: path, name, deadline) { special in
                then(
                    special.map { special in
                        UnitState(name: name, general: general, special: special)
                    })
            }
        }
    }

    /// Sets properties of a unit until the next boot, and of its cgroup at once; all or none
    /// (`SetUnitProperties`, `runtime`). The answer comes when systemd has written them.
    package func setUnitProperties(
        _ properties: [UnitProperty], of unit: String, deadline: Duration = usualDeadline,
        then: @escaping (Result<Void, SystemError>) -> Void
    ) {
        do throws(SystemError) { _ = try checkedPath(of: unit) } catch {
            return then(.failure(error))
        }
        let write = { (message: BusMessage) throws(SystemError) in
            try message.write(unit)
            try message.write(true)
            try message.write("a", of: "(sv)") { () throws(SystemError) in
                for property in properties { try message.write(property) }
            }
        }
        call(
            "SetUnitProperties", of: Systemd.manager, on: Systemd.path, subject: unit,
            deadline: deadline, write: write
        ) { then($0.map { _ in }) }
    }

    /// Gives a unit back the budget that was read of it.
    ///
    /// systemd 252 forgets a set that is made empty but leaves it in the kernel, and the kernel
    /// takes no empty set for a cgroup with processes. So such a set is `cpus` or `nodes` first
    /// (all that there are), which is what the kernel then has until the unit is restarted.
    package func restoreUnitProperties(
        _ properties: [UnitProperty], of unit: String, cpus: CPUSet, nodes: NodeSet,
        deadline: Duration = usualDeadline, then: @escaping (Result<Void, SystemError>) -> Void
    ) {
        let wide = properties.map { property in
            switch property {
            case .allowedCPUs([]): UnitProperty.allowedCPUs(cpus)
            case .allowedMemoryNodes([]): UnitProperty.allowedMemoryNodes(nodes)
            default: property
            }
        }
        setUnitProperties(wide, of: unit, deadline: deadline) { [weak self] result in
            guard case .success = result, wide != properties, let self else { return then(result) }
            self.setUnitProperties(properties, of: unit, deadline: deadline, then: then)
        }
    }

    /// Has systemd read all units again, as `systemctl daemon-reload` does (`Reload`).
    package func reload(
        deadline: Duration = .seconds(90), then: @escaping (Result<Void, SystemError>) -> Void
    ) {
        call(
            "Reload", of: Systemd.manager, on: Systemd.path, subject: "systemd",
            deadline: deadline, write: { _ in }
        ) { then($0.map { _ in }) }
    }

    /// What can be done to a unit (`StartUnit`, `StopUnit`, `RestartUnit`).
    package enum UnitAction: String, Sendable {
        case start = "StartUnit"
        case stop = "StopUnit"
        case restart = "RestartUnit"
    }

    /// Does something to a unit in the mode `replace`, and tells when that is done or has failed.
    package func perform(
        _ action: UnitAction, on unit: String, deadline: Duration = .seconds(90),
        then: @escaping (Result<JobEnd, SystemError>) -> Void
    ) {
        let job = UnitJobs.Job(
            member: action.rawValue, unit: unit, deadline: MonotonicClock.now + deadline,
            then: then)
        do throws(SystemError) {
            _ = try checkedPath(of: unit)
            subscribe()
            // A rule for the unit alone would be of no use: sd-bus looks at no argument that comes
            // after a number.
            let rule =
                "type='signal',sender='\(Systemd.name)',interface='\(Systemd.manager)',"
                + "member='JobRemoved'"
            job.match = try match(rule, subject: unit) { [weak self, weak job] message in
                guard let self, let job else { return }
                self.jobWasRemoved(message, job)
            }
        } catch {
            return job.end(.failure(error))
        }
        jobs.add(job)
        call(
            action.rawValue, of: Systemd.manager, on: Systemd.path, subject: unit,
            deadline: deadline,
            write: { (message) throws(SystemError) in
                try message.write(unit)
                try message.write("replace")
            }
        ) { [weak self] answer in
            self?.jobWasMade(answer, job)
        }
    }

    /// Asks systemd to send signals to this connection, once (`Subscribe`).
    func subscribe() {
        guard !isSubscribed else { return }
        isSubscribed = true
        call(
            "Subscribe", of: Systemd.manager, on: Systemd.path, subject: Systemd.name,
            deadline: SystemBus.usualDeadline, write: { (_) throws(SystemError) in }
        ) { [weak self] answer in
            // Without it jobs run into their deadlines, and the next call tries again.
            if case .failure = answer { self?.isSubscribed = false }
        }
    }

    func checkedPath(of unit: String) throws(SystemError) -> String {
        guard Systemd.isUnitName(unit) else {
            throw SystemError(
                "sd_bus_path_encode", on: "the unit \"\(unit)\"", .invalid,
                advice: "give a unit's whole name, such as nginx.service")
        }
        return try Systemd.path(of: unit)
    }

    private func properties(
        of interface: String, at path: String, _ unit: String, _ deadline: Duration,
        then: @escaping (Result<[String: BusMessage.Value], SystemError>) -> Void
    ) {
        call(
            "GetAll", of: Systemd.properties, on: path, subject: unit, deadline: deadline,
            write: { (message) throws(SystemError) in try message.write(interface) }
        ) { answer in
            then(
                answer.flatMap { message in
                    Result { () throws(SystemError) in try message.readProperties() }
                })
        }
    }

    private func jobWasMade(_ answer: Answer, _ job: UnitJobs.Job) {
        let path = answer.flatMap { message in
            Result { () throws(SystemError) in try message.readText() }
        }
        switch path {
        case .failure(let error):
            jobs.remove(job)
            job.end(.failure(error))
        case .success(let path):
            job.path = path
            if let early = job.early.first(where: { $0.path == path }) {
                jobs.remove(job)
                job.end(.success(JobEnd(word: early.result)))
            }
        }
    }

    private func jobWasRemoved(_ message: BusMessage, _ job: UnitJobs.Job) {
        let news = Result { () throws(SystemError) in
            _ = try message.readNumber()
            let path = try message.readText()
            return (path: path, unit: try message.readText(), result: try message.readText())
        }
        // What cannot be understood is nobody's end.
        guard case .success(let ended) = news, ended.unit == job.unit else { return }
        guard let path = job.path else {
            return job.early.append((path: ended.path, result: ended.result))
        }
        guard path == ended.path else { return }
        jobs.remove(job)
        job.end(.success(JobEnd(word: ended.result)))
    }

    private static func isGone(_ unit: String) -> SystemError {
        SystemError("GetAll", on: unit, Errno(ENOTCONN), advice: "the connection was let go of")
    }
}

extension BusMessage {
    /// Writes a property as systemd takes it (`(sv)`).
    func write(_ property: UnitProperty) throws(SystemError) {
        let (name, value) = property.parts
        try write("r", of: "sv") { () throws(SystemError) in
            try write(name)
            switch value {
            case .amount(let amount):
                try write("v", of: "t") { () throws(SystemError) in
                    try write(amount.map { UInt64(max(0, $0)) } ?? .max)
                }
            case .bitmap(let bytes):
                try write("v", of: "ay") { () throws(SystemError) in try write(bytes) }
            }
        }
    }
}

extension UnitState {
    /// From the properties of all units, and from those of its kind.
    init(
        name: String, general: [String: BusMessage.Value], special: [String: BusMessage.Value]
    ) {
        let text = { (name: String) -> String in
            if case .text(let text) = general[name] ?? special[name] { text } else { "" }
        }
        self.init(
            name: name, loadState: text("LoadState"), activeState: text("ActiveState"),
            subState: text("SubState"))
        if case .number(let pid) = special["MainPID"], pid > 0 {
            mainPID = ProcessID(clamping: pid)
        }
        let group = text("ControlGroup")
        controlGroup = group.isEmpty ? nil : group
        if case .bytes(let id) = general["InvocationID"], id.contains(where: { $0 != 0 }) {
            invocation = id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        budget = UnitProperty.names.compactMap { name in
            switch special[name] {
            case .number(let amount):
                UnitProperty(name: name, .amount(amount == .max ? nil : Int(clamping: amount)))
            case .bytes(let bytes): UnitProperty(name: name, .bitmap(bytes))
            case .text, nil: nil
            }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

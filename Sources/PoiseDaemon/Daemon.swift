import Glibc
import PoiseEngine
import PoiseHardware
import PoiseHistory
import PoiseLinux
import PoiseModel
import PoisePolicyFile
import PoiseWire

/// The shell around the engine: one loop on the main thread, one owner of all state.
///
/// Things that happen are posted to the inbox; a turn takes the batch, asks the engine, and
/// performs its directives. Nothing here decides, and nothing here waits but the loop itself.
package final class Daemon {
    /// What a watched descriptor is.
    enum Source {
        case signals
        case policy
        case listener
        case connection
        case exit(FeatureID)
        case channel(FeatureID)
        case output(FeatureID)
        case bus
        case kernel
        /// The kernel tells that a feature waits, or somebody on this machine.
        case pressure(FeatureID?)
        case history
        case check(CheckKey)
    }

    let options: DaemonOptions
    var machine: LocalMachine
    let service: SystemdService
    let launcher: HostLauncher
    let startedAt: Instant
    let epoll: Epoll
    var engine: Supervisor
    var enforcer: Enforcer
    var inbox = Inbox()
    var events = EventLog()
    var processes: [FeatureID: FeatureProcess] = [:]
    var server: ControlServer
    var policyPath: String
    /// The file that the daemon was started with.
    let startPolicyPath: String
    var policyFollower: PolicyFollower?
    var policyWatches: [(FolderWatch, UInt64)] = []
    /// What is wrong with the policy file as it is now, while another is in force.
    var policyProblem: String?
    /// When the policy file is read again; a little after it changed, since editors write in steps.
    var policyDue: Instant?
    var turns = 0
    var recorder: TurnRecorder
    var history: HistoryKeeper?
    var historyFeed: HistoryFeed
    /// Who features run as; nil runs them as the daemon's own user.
    let hostUsers: HostUsers?
    let access: ControlAccess
    var busToken: UInt64?
    /// Comes and goes of CPUs; nil where the kernel does not tell.
    var kernelEvents: KernelEvents?
    /// When the machine is looked at again; a little after the kernel told of a change, since
    /// several come at once.
    var machineDue: Instant?
    /// What was last left for the next daemon.
    var leftState = ""
    /// What was last kept beyond the end of this one.
    var keptState = ""
    private(set) lazy var units = UnitFeatures(
        cgroupMount: "/sys/fs/cgroup",
        machine: { [unowned self] in machine.machine },
        post: { [weak self] in self?.inbox.post($0) },
        say: { [weak self] in self?.say($0, $1, $2) },
        remember: { [weak self] in self?.leaveState() },
        opened: { [weak self] in self?.watchBus($0) })
    /// How long the turn took that made the plan in force: solving and all.
    var solveMicroseconds: Int?
    let sensing = Sensing()
    /// What features say to each other.
    let featureBus: FeatureBus
    /// Harm that is being done on purpose.
    var chaos = ChaosBook()
    /// How strict the limits of what features send are.
    var pressure = TrafficPressure()
    var checks = CheckSchedule()
    var reaction = Reaction()
    /// When the directives that are being performed were decided.
    private(set) var decidedAt: Instant
    private let signals: SignalDescriptor
    private let lock: FolderLock
    /// Nil where the state folder cannot be written, so that nothing is kept in it either.
    let stateLock: FolderLock?
    private var sources: [UInt64: Source] = [:]
    private var nextToken: UInt64 = 1
    private var nextTick: Instant
    private(set) var isDone = false
    private var stopToldAt: Instant?

    /// How often features are looked at thoroughly and checked for threads that left their CPUs.
    private static let tick = Duration.seconds(1)

    /// Whether standard error is the journal, which takes fields beside the text.
    private let logsToJournal = Journal.isOurOutput
    private let ownsSocket: Bool

    init(
        options: DaemonOptions, machine: LocalMachine, policy: Policy, policyPath: String,
        launcher: HostLauncher, service: SystemdService, inherited: Inherited
    ) throws(SystemError) {
        self.options = options
        self.service = service
        featureBus = FeatureBus(BusStore(Daemon.busKeeper(service)))
        self.machine = machine
        self.policyPath = policyPath
        startPolicyPath = policyPath
        self.launcher = launcher
        let now = MonotonicClock.now
        startedAt = now
        decidedAt = now
        historyFeed = HistoryFeed(now: now)
        stateLock = try Daemon.lockState(options.stateFolder)
        recorder = Daemon.makeRecorder(options.stateFolder, startedAt: now)
        nextTick = now + Daemon.tick
        try Folder.make(options.runtimeFolder)
        try Folder.make(options.runtimeFolder + "/logs")
        lock = try FolderLock(options.runtimeFolder)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
        epoll = try Epoll()
        ownsSocket = inherited.listener == nil
        server = ControlServer(
            listener: try Daemon.listener(inherited, in: options.runtimeFolder))
        var deadlines = Supervisor.Deadlines()
        deadlines.start = options.startWithin
        let (left, because) = Daemon.leftState(in: options.runtimeFolder)
        engine = Supervisor(
            machine: machine.machine, policy: policy, inForce: left?.plan, deadlines: deadlines,
            now: now)
        let choice = try BackendChoice.make(options, before: left?.root ?? CgroupFolder.Before())
        enforcer = Enforcer(
            machine: machine, backend: choice.backend,
            groups: choice.folder.map { FeatureGroups($0) })
        hostUsers = try HostUsers(stateFolder: options.stateFolder)
        access = ControlAccess(
            ownUser: geteuid(), readers: try UserDatabase.group(named: ControlAccess.readers),
            admins: try UserDatabase.group(named: ControlAccess.admins))
        try Subreaper.become()
        try watch(signals.descriptor, .signals, .read)
        try watch(server.listener, .listener, .read)
        followPolicy(policyPath)
        watchMachine()
        watchPressure()
        if let because { say("found", nil, because) }
        takeKeptState(now)
        if let because = choice.because { say("degraded", nil, "cgroups are not used: \(because)") }
        recover(inherited, left)
        recoverLinks(inherited)
        keepHistory()
    }

    private static func listener(
        _ inherited: Inherited, in folder: String
    ) throws(SystemError) -> FileDescriptor {
        guard let given = inherited.listener else {
            return try LocalSocket.listen(
                RuntimeFolder.socket(in: folder), mode: ControlAccess.socketMode)
        }
        try given.setNonBlocking()
        return given
    }

    /// Runs until it is told to stop and all features have ended.
    func run() throws(SystemError) {
        say(
            "ready", nil,
            "on \(machine.machine.name) with policy \(engine.policy.name), "
                + "backend \(enforcer.backend.rawValue), "
                + RuntimeFolder.socket(in: options.runtimeFolder))
        turn()
        settleLinks()
        tell(.ready, .status("policy \(engine.policy.name), backend \(enforcer.backend.rawValue)"))
        while !isDone {
            for ready in try epoll.wait(timeout: pause) { dispatch(ready) }
            if MonotonicClock.now >= nextTick { tick() }
            sense()
            if let due = policyDue, due <= MonotonicClock.now { rereadPolicy() }
            if let due = machineDue, due <= MonotonicClock.now { lookAgain() }
            settleBus()
            if let due = chaos.nextDue, due <= MonotonicClock.now { lookAfterChaos() }
            if !inbox.isEmpty || isEngineDue { turn() }
            settleLinks()
            followTopics()
            followChecks()
        }
        endLeftovers(all: true)
        writeRecords()
        endHistory()
        giveGroupsBack()
        unlink(Daemon.statePath(in: options.runtimeFolder))
        unlink(options.runtimeFolder + "/bus")
        say("stopped", nil, "all features have ended")
        if ownsSocket { unlink(RuntimeFolder.socket(in: options.runtimeFolder)) }
    }

    /// Tells systemd how the daemon is, where systemd has started it.
    func tell(_ notices: SystemdService.Notice...) {
        for notice in notices {
            attempt { () throws(SystemError) in try service.notify(notice) }
        }
    }

    private var isEngineDue: Bool {
        engine.nextDeadline.map { $0 <= MonotonicClock.now } ?? false
    }

    private var pause: Duration {
        if !inbox.isEmpty { return .zero }
        let moments = [
            nextTick, policyDue, machineDue, engine.nextDeadline, units.bus?.timeout,
            senseDue, chaos.nextDue, checks.nextMoment, featureBus.nextMoment,
        ].compactMap { $0 }
        return max(.zero, (moments.min() ?? nextTick) - MonotonicClock.now)
    }

    private func turn() {
        turns += 1
        let start = MonotonicClock.now
        let inputs = inbox.take()
        prepareRecords()
        let directives = engine.handle(inputs, now: start)
        decidedAt = MonotonicClock.now
        let took = (decidedAt - start).wholeNanoseconds / 1000
        // Before anybody hears of it: what was told must outlive a crash.
        if directives.contains(where: \.isToBeKept) { keepState() }
        for directive in directives {
            if case .adopt = directive { solveMicroseconds = took }
            perform(directive)
        }
        reaction.turned(MonotonicClock.now - start) { [engine] feature in
            engine.plan[feature] != engine.records[feature]?.allocation
        }
        // A look that nothing follows from changes nothing for the next daemon either.
        if !directives.isEmpty || !inputs.allSatisfy(\.isLoad) {
            leaveState()
            featureBus.isDirty = true
        }
        record(inputs, now: start, directives)
    }

    private func perform(_ directive: Directive) {
        switch directive {
        case .adopt(let plan): adopt(plan)
        case .start(let feature, let allocation, let generation):
            start(feature, allocation, generation)
        case .tell(let feature, let allocation, let generation):
            tell(feature, allocation, generation)
        case .enforce(let changes): enforce(changes)
        case .askToStop(let feature, let within): askToStop(feature, within: within)
        case .kill(let feature): kill(feature)
        case .serviceLevel(let feature, let level): tell(feature, level)
        case .reclaim(let feature, let bytes): reclaim(bytes, of: feature)
        case .shrink(let feature, let bytes): shrink(feature, by: bytes)
        case .note(let event): say(event.kind.rawValue, event.feature, event.text)
        case .quit: isDone = true
        }
    }

    private func adopt(_ plan: AllocationPlan) {
        tell(.status("policy \(engine.policy.name), backend \(enforcer.backend.rawValue)"))
        let audit = PlanAudit(
            plan, machine: machine.machine, policy: engine.policy, resting: engine.resting,
            belowLevel: engine.belowLevel)
        precondition(audit.breaches.isEmpty, "a plan breaks its promises: \(audit.breaches)")
        do throws(SystemError) {
            try enforcer.moveDaemon(under: plan, on: machine.machine)
        } catch {
            say("degraded", nil, "cannot move off the CPUs of features: \(error)")
        }
    }

    /// Notes an event, logs it, and hands it to those who follow.
    func say(_ kind: String, _ feature: FeatureID?, _ text: String) {
        let entry = events.add(kind, feature, text, time: wallNow)
        log(entry)
        tellFollowers(entry)
    }

    /// A log that nobody can read any more must not stop the daemon.
    private func log(_ entry: EventLog.Entry) {
        if logsToJournal {
            do throws(SystemError) {
                return try Journal.send(
                    priority: entry.priority, message: entry.message,
                    fields: entry.fields)
            } catch {}
        }
        let line = Array((entry.line + "\n").utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    /// Watches a descriptor and gives the token it is known by.
    @discardableResult
    func watch(
        _ descriptor: FileDescriptor, _ source: Source, _ interest: Epoll.Interest
    ) throws(SystemError) -> UInt64 {
        let token = nextToken
        nextToken += 1
        try epoll.add(descriptor, token: token, interest)
        sources[token] = source
        return token
    }

    private func dispatch(_ ready: Epoll.Ready) {
        guard let source = sources[ready.token] else { return }
        switch source {
        case .signals: takeSignals()
        case .policy:
            if policyFollower?.hasChanged() ?? false {
                policyDue = MonotonicClock.now + .milliseconds(50)
            }
        case .listener: acceptCallers()
        case .connection: serve(ready)
        case .exit(let feature): takeExit(of: feature, token: ready.token)
        case .channel(let feature): takeNews(of: feature, ready)
        case .output(let feature): takeOutput(of: feature, token: ready.token)
        case .bus: units.process()
        case .kernel: takeKernelEvents()
        case .pressure(let feature): takePressure(on: feature, ready)
        case .history: takeHistory()
        case .check(let key): takeCheck(key, token: ready.token)
        }
    }

    private func takeSignals() {
        for received in attempt(nil, { () throws(SystemError) in try signals.receive() }) ?? [] {
            switch received.signal {
            case SIGHUP:
                tell(.reloading(since: MonotonicClock.now))
                // Back to the file that it was started with, if another one was applied since.
                followPolicy(startPolicyPath)
                rereadPolicy()
                tell(.ready)
            case SIGCHLD: break
            default: stop()
            }
        }
        reapOrphans()
    }

    /// The first time in order; when told again a second later or more, at once.
    private func stop() {
        let now = MonotonicClock.now
        guard let first = stopToldAt else {
            stopToldAt = now
            tell(.stopping)
            endChaos("poised is stopping")
            say("stopping", nil, "all features are asked to end")
            inbox.post(.shutdown)
            writeRecords()
            return
        }
        // A terminal and a script may both tell of one Ctrl-C.
        guard now - first >= .seconds(1) else { return }
        say("stopping", nil, "told again to stop: all features are killed")
        for feature in processes.keys.sorted() { kill(feature) }
    }

    func reapOrphans() {
        _ = attempt { () throws(SystemError) in try Subreaper.reapOrphans(unless: isKnown) }
    }

    /// Does what may fail without harm to the rest; a failure is told as an event.
    @discardableResult
    func attempt<Value>(
        _ feature: FeatureID? = nil, _ body: () throws(SystemError) -> Value
    ) -> Value? {
        do throws(SystemError) {
            return try body()
        } catch {
            say("degraded", feature, "\(error)")
            return nil
        }
    }

    /// Forgets a descriptor that was closed, which ended its watch.
    func forgetSource(_ token: UInt64) { sources[token] = nil }

    /// Ends the watch on a descriptor.
    func unwatch(_ descriptor: FileDescriptor, _ token: UInt64) {
        attempt { () throws(SystemError) in try epoll.remove(descriptor) }
        sources[token] = nil
    }

    private func tick() {
        let lateness = MonotonicClock.now - nextTick
        nextTick = MonotonicClock.now + Daemon.tick
        // A daemon that no longer comes here is as good as dead.
        if service.watchdogInterval != nil { tell(.watchdog) }
        look(at: sensed, isThorough: true)
        checkFeatures()
        lookAfterTraffic(lateness: lateness)
        endLeftovers()
        units.mendDrift()
        units.reconnect()
        leaveState()
        keepState()
        lookAfterRecords()
        lookAfterHistory()
        lookAfterGroups()
        dropSilentCallers()
    }

    /// Processes that features left behind and that are ours now.
    var orphans: [ProcessID] { Subreaper.orphans(unless: isKnown) }

    private func isKnown(_ pid: ProcessID) -> Bool {
        processes.values.contains { $0.pid == pid } || checks.hasProcess(pid)
    }
}

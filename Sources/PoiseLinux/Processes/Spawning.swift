import CLinux
import Glibc
import PoiseModel

extension ChildProcess {
    /// Starts a program and returns once it runs; an error of `execve` or of any step before is
    /// thrown with the call that failed (`clone3(2)`).
    ///
    /// Call it on a thread that lives as long as the child when there is a parent-death signal.
    package static func spawn(_ request: SpawnRequest) throws(SystemError) -> ChildProcess {
        try check(request)
        let program = try ProgramSearch.path(
            of: request.program, in: request.environment["PATH"])
        let descriptors = try complete(request.descriptors)
        var spawned = poise_spawned()
        let code = start(program, request, descriptors, &spawned)
        guard code == 0 else {
            throw failure(request, SpawnStep(poise_step(rawValue: spawned.step)), -code)
        }
        let pidfd = FileDescriptor(
            adopting: spawned.pidfd, name: "process \(spawned.process) (\(request.program))")
        return ChildProcess(
            pid: spawned.process, descriptor: pidfd,
            refused: SpawnStep.noted(in: spawned.refused))
    }

    /// Texts that C would cut short are refused, and so is a set of no CPUs.
    private static func check(_ request: SpawnRequest) throws(SystemError) {
        if request.cpus?.isEmpty == true {
            throw SystemError(
                "sched_setaffinity", on: request.program, .invalid, advice: "no CPU is given")
        }
        var texts = [request.program, request.folder ?? ""] + request.arguments
        for (name, value) in request.environment { texts += [name, value] }
        if texts.contains(where: { $0.utf8.contains(0) }) {
            throw SystemError(
                "execve", on: request.program, .invalid, advice: "a text has a zero byte in it")
        }
    }

    private static func complete(
        _ given: [Int32: FileDescriptor]
    ) throws(SystemError) -> [(theirs: Int32, ours: FileDescriptor)] {
        var all = given
        for number: Int32 in 0...2 where all[number] == nil {
            all[number] = try FileDescriptor.open("/dev/null", O_RDWR)
        }
        return all.sorted { $0.key < $1.key }.map { (theirs: $0.key, ours: $0.value) }
    }

    private static func start(
        _ program: String, _ request: SpawnRequest,
        _ descriptors: [(theirs: Int32, ours: FileDescriptor)], _ spawned: inout poise_spawned
    ) -> Int32 {
        let strings = CStringList([program] + (request.folder.map { [$0] } ?? []))
        let arguments = CStringList([request.program] + request.arguments)
        let environment = CStringList(
            request.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        let numbers = descriptors.map {
            poise_descriptor(theirs: $0.theirs, ours: $0.ours.number)
        }
        let limits = request.limits.map(poise_limit.init)
        let words = request.cpus?.bits ?? []
        var raw = poise_spawn_request(request)
        raw.program = UnsafePointer(strings.pointers[0])
        raw.folder = UnsafePointer(strings.pointers[1])
        raw.arguments = arguments.constant
        raw.environment = environment.constant
        raw.descriptor_count = UInt32(numbers.count)
        raw.limit_count = UInt32(limits.count)
        raw.cpu_words = UInt32(words.count)
        let groups = request.user?.groups ?? []
        raw.group_count = UInt32(groups.count)
        return numbers.withUnsafeBufferPointer { numbers in
            limits.withUnsafeBufferPointer { limits in
                words.withUnsafeBufferPointer { words in
                    groups.withUnsafeBufferPointer { groups in
                        raw.descriptors = numbers.baseAddress
                        raw.limits = limits.baseAddress
                        raw.cpus = request.cpus == nil ? nil : words.baseAddress
                        raw.groups = groups.baseAddress
                        return withExtendedLifetime(descriptors) { poise_spawn(&raw, &spawned) }
                    }
                }
            }
        }
    }

    private static func failure(
        _ request: SpawnRequest, _ step: SpawnStep, _ code: Int32
    ) -> SystemError {
        let subject: String
        switch step {
        case .program: subject = request.program
        case .folder: subject = request.folder ?? "."
        case .cpus: subject = "CPUs \(request.cpus?.description ?? "") for \(request.program)"
        case .groups, .group, .user:
            let user = request.user.map { "user \($0.user), group \($0.group)" } ?? ""
            subject = "\(user) for \(request.program)"
        default: subject = "a new process for \(request.program)"
        }
        return SystemError(step.call, on: subject, Errno(code), advice: advice(step, code))
    }

    private static func advice(_ step: SpawnStep, _ code: Int32) -> String? {
        switch (step, code) {
        case (.program, ENOENT): "there is no such program, or its interpreter is missing"
        case (.program, EACCES): "make it executable for the user it runs as"
        case (.program, ENOEXEC): "it is not a program of this machine, or a script without #!"
        case (.groups, EPERM), (.group, EPERM), (.user, EPERM):
            "needs CAP_SETUID and CAP_SETGID"
        case (.folder, EACCES): "its user may not enter it"
        case (.cpus, EINVAL): "none of these CPUs may be used here"
        case (.processCreation, EAGAIN):
            "too many processes; see ulimit -u, and pids.max of its cgroup"
        case (.processCreation, EBUSY):
            "the cgroup has controllers for its children, so it takes no process itself"
        case (.processCreation, EOPNOTSUPP): "the cgroup is of a threaded kind, or its parent is"
        default: nil
        }
    }
}

extension poise_spawn_request {
    /// All that is no pointer.
    fileprivate init(_ request: SpawnRequest) {
        self.init()
        nice = request.nice.map { Int32($0) } ?? .min
        scheduling = request.scheduling?.policy ?? -1
        parent_death_signal = request.parentDeathSignal ?? 0
        cgroup = request.cgroup?.number ?? -1
        oom_score_adjust = request.oomScoreAdjust.map { Int32($0) } ?? .min
        user = request.user?.user ?? 0
        group = request.user?.group ?? 0
        has_user = request.user == nil ? 0 : 1
        no_new_privileges = request.noNewPrivileges ? 1 : 0
        no_capabilities = request.noCapabilities ? 1 : 0
        new_session = request.ownSession ? 1 : 0
        by_fork = request.byFork ? 1 : 0
    }
}

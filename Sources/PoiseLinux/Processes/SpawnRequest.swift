package import PoiseModel

/// The kernel's number of a process or a thread; only with its start time does it name one for
/// good.
package typealias ProcessID = Int32

/// What a new process is to be.
package struct SpawnRequest: Sendable {
    /// A path, or a name without `/` that is looked up in the `PATH` of `environment`.
    package var program: String
    /// What comes after the program's own name.
    package var arguments: [String]
    package var environment: [String: String]
    /// The working folder; nil keeps ours.
    package var folder: String?
    /// What the child has open, by its numbers; 0, 1 and 2 are /dev/null where they are not given,
    /// and nothing else is open.
    package var descriptors: [Int32: FileDescriptor]
    /// Nil keeps the calling thread's.
    package var cpus: CPUSet?
    /// Nil keeps the calling thread's.
    package var nice: Int?
    /// Nil keeps the calling thread's.
    package var scheduling: SchedulingClass?
    package var limits: [ResourceLimit]
    /// A session and process group of its own, so that a signal to the group reaches its children.
    package var ownSession: Bool
    /// The signal it gets when the *thread* that spawned it ends; nil for none.
    package var parentDeathSignal: Int32?
    /// Who it runs as; nil keeps who we are. The folder and the program are looked up with its
    /// rights, everything else is done before with ours.
    package var user: Credentials?
    /// Neither it nor what it starts ever gains rights from a program's file
    /// (`PR_SET_NO_NEW_PRIVS`).
    package var noNewPrivileges: Bool
    /// No program that it starts has a capability, not even as root; told as refused where we may
    /// not take them (`PR_CAPBSET_DROP`).
    package var noCapabilities: Bool
    /// How soon it is ended when memory runs out, -1000 (never) to 1000 (first); nil keeps ours.
    /// Told as refused where we may not lower it (`/proc/PID/oom_score_adj`).
    package var oomScoreAdjust: Int?
    /// A folder of cgroup v2 that it is born in; nil keeps ours.
    package var cgroup: FileDescriptor?
    /// Goes the way that is otherwise taken only where the kernel has no clone3.
    package var byFork: Bool

    package init(
        program: String, arguments: [String] = [], environment: [String: String] = [:]
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        descriptors = [:]
        limits = []
        ownSession = true
        noNewPrivileges = false
        noCapabilities = false
        byFork = false
    }
}

/// The user and the groups of a process (`credentials(7)`).
package struct Credentials: Hashable, Sendable {
    package var user: UInt32
    package var group: UInt32
    /// The groups beside `group`, at most 65536.
    package var groups: [UInt32]

    package init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }
}

/// A limit of a process (`setrlimit(2)`).
package struct ResourceLimit: Hashable, Sendable {
    /// What is limited, by the kernel's number.
    package enum Kind: Int32, Sendable, CaseIterable {
        case cpuSeconds = 0
        case fileBytes = 1
        case dataBytes = 2
        case stackBytes = 3
        case coreBytes = 4
        case processes = 6
        case openFiles = 7
        case lockedBytes = 8
        case addressSpaceBytes = 9
    }

    package var kind: Kind
    /// Nil sets no limit.
    package var soft: Int?
    /// What an unprivileged process may raise `soft` to; it can only be lowered.
    package var hard: Int?

    /// The same soft and hard limit.
    package init(_ kind: Kind, _ value: Int?) { self.init(kind, soft: value, hard: value) }

    package init(_ kind: Kind, soft: Int?, hard: Int?) {
        self.kind = kind
        self.soft = soft
        self.hard = hard
    }
}

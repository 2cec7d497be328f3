import CSeccomp
import Glibc
import PoiseModel

/// The system calls that no plugin has a use for, and that a hostile one would try
/// (`seccomp(2)`). They fail with `EPERM`, on every architecture.
enum SystemCallFilter {
    /// What is refused whatever its arguments are, with the reason.
    private static let refused: [(reason: String, calls: [String])] = [
        (
            "looks into other processes, or takes what they have open",
            [
                "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
                "process_madvise",
            ]
        ),
        (
            "changes what is mounted where, or what the root is",
            [
                "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
                "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
            ]
        ),
        ("enters or makes namespaces, where an attacker is root", ["setns", "unshare"]),
        (
            "changes who the process is",
            [
                "setuid", "setuid32", "setgid", "setgid32", "setreuid", "setreuid32", "setregid",
                "setregid32", "setresuid", "setresuid32", "setresgid", "setresgid32", "setfsuid",
                "setfsuid32", "setfsgid", "setfsgid32", "setgroups", "setgroups32",
            ]
        ),
        ("runs programs inside the kernel", ["bpf"]),
        ("measures others, and has had many holes", ["perf_event_open"]),
        ("stops the kernel in the middle of a copy, which exploits need", ["userfaultfd"]),
        (
            "passes by this filter: its queue is not looked at",
            ["io_uring_setup", "io_uring_enter", "io_uring_register"]
        ),
        (
            "changes the kernel itself",
            [
                "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
                "create_module", "query_module", "get_kernel_syms", "_sysctl", "syslog",
            ]
        ),
        (
            "keys belong to the user, and other features share it",
            ["add_key", "request_key", "keyctl"]
        ),
        ("belongs to the machine's administrator", ["reboot", "swapon", "swapoff", "acct"]),
        (
            "belongs to the administrator of file systems",
            ["quotactl", "quotactl_fd", "nfsservctl"]
        ),
        ("names the machine", ["sethostname", "setdomainname"]),
        (
            "sets the clock for everybody",
            ["settimeofday", "clock_settime", "clock_settime64", "stime"]
        ),
        ("opens files past the folders that lead to them", ["open_by_handle_at"]),
        ("hears of all files", ["fanotify_init", "lookup_dcookie"]),
        ("changes how the kernel treats the process's memory", ["personality"]),
        ("speaks to ports of devices", ["iopl", "ioperm"]),
        ("old ways of the processor, with holes", ["modify_ldt", "vm86", "vm86old", "uselib"]),
        ("takes the terminal from everybody", ["vhangup"]),
    ]

    /// A call that is refused by an argument: when all bits of `mask` are as in `value`.
    private typealias Argument = (
        reason: String, call: String, argument: UInt32, mask: UInt64, value: UInt64
    )

    private static let refusedByArgument: [Argument] =
        [
            0x20000 as UInt64, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000,
            0x40000000,
        ].map { ("makes a namespace (CLONE_NEW…)", "clone", 0, $0, $0) } + [
            // The kernel looks at the lower half alone.
            ("types on somebody's terminal (TIOCSTI)", "ioctl", 1, 0xFFFF_FFFF, 0x5412),
            ("pastes on somebody's terminal (TIOCLINUX)", "ioctl", 1, 0xFFFF_FFFF, 0x541C),
        ]

    /// What is said not to be there: its flags are in memory, where no filter can look, and all
    /// libraries go the older way then.
    private static let absent = ["clone3"]

    /// What stands in for Landlock before its version 3: to cut a file short without having it open
    /// for writing. `ftruncate` and `O_WRONLY` with `O_TRUNC` are as they were.
    private static let truncation: (refused: [String], absent: [String], byArgument: [Argument]) = (
        ["truncate", "truncate64"],
        // Its flags are in memory.
        ["openat2"],
        [
            ("O_RDONLY with O_TRUNC", "open", 1, UInt64(O_ACCMODE | O_TRUNC), UInt64(O_TRUNC)),
            ("O_RDONLY with O_TRUNC", "openat", 2, UInt64(O_ACCMODE | O_TRUNC), UInt64(O_TRUNC)),
        ]
    )

    /// Loads the filter, for this thread and all that it starts; gives what is lacking.
    static func enter(refusingTruncation: Bool) -> [String] {
        guard let filter = seccomp_init(allow) else {
            HostExit.end(.outside, "making the filter of system calls failed: no memory")
        }
        defer { seccomp_release(filter) }
        // Programs of other architectures, such as 32-bit ones, are refused everything.
        set(filter, SCMP_FLTATR_ACT_BADARCH, refusal(EPERM))
        // A tree instead of a list: some calls are made a million times a second.
        set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        var unknown: [String] = []
        let more =
            refusingTruncation ? truncation : (refused: [], absent: [], byArgument: [])
        for call in refused.flatMap(\.calls) + more.refused {
            add(filter, call, refusal(EPERM), [], &unknown)
        }
        for call in absent + more.absent { add(filter, call, refusal(ENOSYS), [], &unknown) }
        for rule in refusedByArgument + more.byArgument {
            let test = scmp_arg_cmp(
                arg: rule.argument, op: SCMP_CMP_MASKED_EQ, datum_a: rule.mask,
                datum_b: rule.value)
            add(filter, rule.call, refusal(EPERM), [test], &unknown)
        }
        for call in ForeignProcessRules.refused { add(filter, call, refusal(EPERM), [], &unknown) }
        for rule in ForeignProcessRules.ofThisProcess.rules {
            let tests = rule.tests.map {
                scmp_arg_cmp(
                    arg: $0.argument, op: SCMP_CMP_MASKED_EQ, datum_a: $0.mask, datum_b: $0.value)
            }
            add(filter, rule.call, refusal(EPERM), tests, &unknown)
        }
        let lacking =
            unknown.isEmpty
            ? [] : ["this libseccomp does not know \(unknown.joined(separator: ", "))"]
        switch seccomp_load(filter) {
        case 0: return lacking
        // Not built into this kernel.
        case -EINVAL, -ENOSYS, -EOPNOTSUPP:
            return lacking + ["no filters of system calls in this kernel"]
        case let code: HostExit.end(.outside, "loading the filter failed: \(Errno(-code))")
        }
    }

    private static func add(
        _ filter: scmp_filter_ctx, _ name: String, _ action: UInt32, _ tests: [scmp_arg_cmp],
        _ unknown: inout [String]
    ) {
        let number = seccomp_syscall_resolve_name(name)
        guard number != errorNumber else { return unknown.append(name) }
        let code = seccomp_rule_add_array(filter, action, number, UInt32(tests.count), tests)
        // Calls that this architecture does not have are left out by the library itself.
        guard code == 0 || code == -EDOM else {
            HostExit.end(.outside, "refusing \(name) failed: \(Errno(-code))")
        }
    }

    private static func set(_ filter: scmp_filter_ctx, _ what: scmp_filter_attr, _ value: UInt32) {
        let code = seccomp_attr_set(filter, what, value)
        guard code == 0 else {
            HostExit.end(.outside, "making the filter of system calls failed: \(Errno(-code))")
        }
    }

    /// `SCMP_ACT_ALLOW`.
    private static let allow: UInt32 = 0x7FFF_0000
    /// `__NR_SCMP_ERROR`.
    private static let errorNumber: Int32 = -1

    /// `SCMP_ACT_ERRNO`.
    private static func refusal(_ code: Int32) -> UInt32 { 0x0005_0000 | UInt32(code) & 0xFFFF }
}

import Glibc

/// The system calls by which a plugin could signal, slow down or move the process that started it,
/// `poised`, or everybody of its user at once. Where features run as users of their own the kernel
/// refuses all of that by itself; where they run as the user of `poised` this does.
///
/// What is aimed at other features of the same user is not seen here: their numbers are not known
/// yet (Landlock 6 keeps those signals inside).
struct ForeignProcessRules {
    /// A comparison of one argument: all bits of `mask` are as in `value`.
    struct Test: Equatable {
        var argument: UInt32
        var mask: UInt64
        var value: UInt64
    }

    /// Refused when all of its tests hold.
    struct Rule: Equatable {
        var call: String
        var tests: [Test]
    }

    /// Refused whatever the arguments are: they name a thread of whoever it is, or a process that a
    /// descriptor stands for; `tgkill` and `kill` do the same where it is allowed.
    static let refused = ["tkill", "pidfd_send_signal"]

    let rules: [Rule]

    /// - Parameters:
    ///   - parent: the process that started this one.
    ///   - parentGroup: its process group; nil when it is ours too.
    init(parent: pid_t, parentGroup: pid_t?) {
        let isParent = { (argument: UInt32) in Self.equals(argument, parent) }
        var rules = [
            // Everybody that may be signalled.
            Rule(call: "kill", tests: [Self.equals(0, -1)]),
            // The kernel sends the signal for it when the descriptor has something to say.
            Rule(call: "fcntl", tests: [Self.equals(1, Self.setOwner), isParent(2)]),
            Rule(call: "fcntl", tests: [Self.equals(1, Self.setOwnerByStructure)]),
            Rule(call: "ioctl", tests: [Self.equals(1, 0x8901)]),
            Rule(call: "ioctl", tests: [Self.equals(1, 0x8902)]),
        ]
        for call in [
            "kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sched_setaffinity",
            "sched_setscheduler", "sched_setparam", "sched_setattr", "prlimit64", "migrate_pages",
            "move_pages",
        ] {
            rules.append(Rule(call: call, tests: [isParent(0)]))
        }
        // A process group and a user have others in them.
        for (call, process, others) in [
            ("setpriority", 0 as Int32, [1, 2] as [Int32]), ("ioprio_set", 1, [2, 3]),
        ] {
            rules.append(Rule(call: call, tests: [Self.equals(0, process), isParent(1)]))
            rules += others.map { Rule(call: call, tests: [Self.equals(0, $0)]) }
        }
        if let group = parentGroup {
            rules.append(Rule(call: "kill", tests: [Self.equals(0, -group)]))
            rules.append(
                Rule(
                    call: "fcntl",
                    tests: [Self.equals(1, Self.setOwner), Self.equals(2, -group)]))
        }
        self.rules = rules
    }

    /// Those for the process that this one was started by; called before it can end and another be
    /// its parent.
    static var ofThisProcess: ForeignProcessRules {
        let parent = getppid()
        let group = getpgid(parent)
        return ForeignProcessRules(
            parent: parent, parentGroup: group > 1 && group != getpgrp() ? group : nil)
    }

    /// The kernel looks at the lower half of these arguments alone.
    private static func equals(_ argument: UInt32, _ value: Int32) -> Test {
        Test(
            argument: argument, mask: 0xFFFF_FFFF, value: UInt64(UInt32(bitPattern: value)))
    }

    /// `F_SETOWN` and `F_SETOWN_EX`.
    private static let setOwner: Int32 = 8
    private static let setOwnerByStructure: Int32 = 15
}

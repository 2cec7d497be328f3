import Glibc

/// Who started whom, as the kernel has it now (`proc(5)`).
package enum ProcessTree {
    /// The threads of a process in order; empty when it has ended (`/proc/PID/task`).
    package static func threads(of pid: ProcessID) -> [ProcessID] {
        ProcessFiles.numbers(in: "/proc/\(pid)/task")
    }

    /// The processes that a process started or inherited and that are not reaped, in order.
    package static func children(of pid: ProcessID) -> [ProcessID] {
        guard kernelListsChildren else { return childrenByParent()[pid] ?? [] }
        return listedChildren(of: pid)
    }

    /// All processes below `pid`, nearest first, without `pid`.
    package static func descendants(of pid: ProcessID) -> [ProcessID] {
        Array(tree(of: [pid]).dropFirst())
    }

    /// The processes in `roots` that there are, and all below them, each once.
    package static func tree(of roots: [ProcessID]) -> [ProcessID] {
        let byParent = kernelListsChildren ? nil : childrenByParent()
        var seen: Set<ProcessID> = []
        var result = roots.filter { seen.insert($0).inserted }
        var next = 0
        while next < result.count {
            let pid = result[next]
            let children = byParent.map { $0[pid] ?? [] } ?? listedChildren(of: pid)
            result += children.filter { seen.insert($0).inserted }
            next += 1
        }
        return result
    }

    /// Needs CONFIG_PROC_CHILDREN, which every distribution's kernel has.
    private static let kernelListsChildren =
        access(
            "/proc/\(getpid())/task/\(getpid())/children", R_OK) == 0

    private static func listedChildren(of pid: ProcessID) -> [ProcessID] {
        threads(of: pid).flatMap { thread in
            ProcessFiles.numbers(inFile: "/proc/\(pid)/task/\(thread)/children")
        }.sorted()
    }

    /// All processes by who their parent is, for kernels that do not list children.
    package static func childrenByParent() -> [ProcessID: [ProcessID]] {
        var result: [ProcessID: [ProcessID]] = [:]
        for pid in ProcessFiles.numbers(in: "/proc") {
            guard let parent = ProcessFiles.stat(of: pid)?.parent else { continue }
            result[parent, default: []].append(pid)
        }
        return result
    }
}

/// What `/proc/loadavg` tells beside the averages (`0.20 0.18 0.12 1/80 11206`).
package struct ProcessCount: Equatable, Sendable {
    /// Threads that run or could run now.
    package var runnable: Int
    /// Threads that there are.
    package var threads: Int
    /// The number that was given last to a process or thread: as long as it stays, none has come.
    package var newest: Int

    package init(runnable: Int, threads: Int, newest: Int) {
        self.runnable = runnable
        self.threads = threads
        self.newest = newest
    }
}

/// The text of `/proc/loadavg` (`proc_loadavg(5)`).
package enum LoadAverageFormat {
    /// Nil when the bytes are not one.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> ProcessCount? {
        let words = bytes.split(separator: 0x20)
        guard words.count == 5, let runnable = KernelBytes.number(words[3]),
            let slash = words[3].firstIndex(of: 0x2F),
            let threads = KernelBytes.number(words[3][(slash + 1)...]),
            let newest = KernelBytes.number(words[4])
        else { return nil }
        return ProcessCount(runnable: runnable, threads: threads, newest: newest)
    }
}

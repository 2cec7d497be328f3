import Glibc

/// Counts of the allocator, read through the library that `LD_PRELOAD` put before it.
package enum AllocationCount {
    package static let library = "libpoise-malloc-count.so"

    /// Gives the count so far; nil in a process without the library (`dlsym(3)`).
    package static var reader: (() -> Int)? {
        guard let symbol = dlsym(nil, "poise_allocation_count") else { return nil }
        let count = unsafeBitCast(symbol, to: (@convention(c) () -> UInt64).self)
        return { Int(count()) }
    }

    /// Where the library is: beside the program, or in `lib/poise` of the installation.
    package static func path(program: String) -> String? {
        let folder = "/" + program.split(separator: "/").dropLast().joined(separator: "/")
        return ["\(folder)/\(library)", "\(folder)/../lib/poise/\(library)"]
            .first { access($0, F_OK) == 0 }
    }
}

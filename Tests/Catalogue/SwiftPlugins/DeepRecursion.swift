import PoisePlugin

/// Calls itself until there is no stack left.
enum DeepRecursion {
    static func run(_ host: Host) {
        let depth = deeper(1)
        // Never reached; it keeps the optimiser from making a loop of it.
        host.log(.info, "came back from \(depth)")
    }

    @inline(never)
    private static func deeper(_ depth: Int) -> Int {
        let names = [depth, depth + 1]
        let below = depth < 0 ? 0 : deeper(names[1])
        return below + names[0]
    }
}

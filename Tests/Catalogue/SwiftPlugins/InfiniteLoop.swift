/// Turns for ever.
enum InfiniteLoop {
    static func run() {
        var turns: UInt64 = 1
        while turns != 0 { turns = turns &+ 2 }
    }
}

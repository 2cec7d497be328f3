import PoisePlugin

/// Says something without end.
enum LogFlood {
    static func run(_ host: Host) {
        var count = 0
        while true {
            host.log(.warning, "line \(count) of many", ["again": "\(count)"])
            host.event("flood", ["count": "\(count)"])
            count += 1
        }
    }
}

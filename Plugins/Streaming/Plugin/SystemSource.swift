// What is measured and what is repeated: every `period` the source reads this machine's counters
// (/proc/stat, meminfo, diskstats, net/dev, pressure, and temperatures from /sys) and makes of each
// one reading, such as `cpu0.busy`. Without a rate that is all it sends. With a rate, the newest
// readings are sent over and over, at that rate, stamped with the time of sending, and, where the
// rate needs it, under up to 64 names (`cpu0.busy~1` … `~63`). Every value that is sent was
// measured; a repeated one says nothing that the measured one did not. It is load, not data.

import Glibc
import PoiseModel
package import StreamingCore

/// Samples this machine's own counters and sends them as CSV lines through the usual parser.
package struct SystemSource: EventSource {
    static let mostCopies = 64
    private static let turn = Duration.milliseconds(10)

    private let period: Duration
    private let load: LoadShape?

    package init(period: Duration, load: LoadShape?) {
        self.period = period
        self.load = load
    }

    package func run(_ feed: SourceFeed) -> SourceEnd {
        let stream = feed.pipeline.open(
            clock: feed.pipeline.makeClock(), format: FormatFinder.system)
        defer { stream.close() }
        var earlier = Self.sample()
        var sampled = SystemClock.now()
        feed.bell.wait(milliseconds: period.wholeMilliseconds)
        var lines = SystemLines(rows: [])
        while feed.waitForRoom() {
            let now = SystemClock.now()
            if now - sampled >= period {
                let counters = Self.sample()
                let readings = counters.readings(since: earlier, over: now - sampled)
                (earlier, sampled) = (counters, now)
                guard !readings.isEmpty else {
                    return .broken("nothing can be read from /proc (is it mounted?)")
                }
                lines = SystemLines(
                    rows: readings.map { "\($0.name),\($0.value)" }, after: lines.position)
                if load == nil { stream.feed(lines.all(at: SystemClock.wallTime())) }
            }
            guard let load else {
                let rest = period - (SystemClock.now() - sampled)
                feed.bell.wait(milliseconds: max(1, rest.wholeMilliseconds))
                continue
            }
            let count = feed.takeTokens(upTo: lines.isEmpty ? 0 : 1 << 16)
            let copies = copies(rows: lines.count, load)
            if count > 0 {
                stream.feed(lines.next(count, copies: copies, at: SystemClock.wallTime()))
            }
            let spent = SystemClock.now() - now
            let wait = min(Self.turn, period) - spent
            if count < 1 << 16 { feed.bell.wait(milliseconds: max(1, wait.wholeMilliseconds)) }
        }
        return .stopped
    }

    /// Under how many names each reading is sent, so that the highest rate has series enough.
    private func copies(rows: Int, _ load: LoadShape) -> Int {
        guard rows > 0 else { return 1 }
        let needed = load.highest * period.inSeconds / Double(rows)
        return Int(max(1, min(Double(Self.mostCopies), needed.rounded(.up))))
    }

    static func sample() -> SystemCounters {
        var counters = SystemCounters()
        if let text = read("/proc/stat") { counters.addStat(text) }
        if let text = read("/proc/meminfo") { counters.addMemory(text) }
        if let text = read("/proc/diskstats") { counters.addDisks(text) }
        if let text = read("/proc/net/dev") { counters.addNetwork(text) }
        for resource in ["cpu", "memory", "io"] {
            if let text = read("/proc/pressure/\(resource)") {
                counters.addPressure(resource, text)
            }
        }
        for zone in 0..<16 {
            guard let text = read("/sys/class/thermal/thermal_zone\(zone)/temp"),
                let value = Double(text.prefix { $0 != "\n" })
            else { break }
            counters.add("temperature.zone\(zone)", .level, value / 1000)
        }
        return counters
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        while case .bytes(let bytes) = Descriptor.read(descriptor, most: 1 << 16) {
            text += bytes
            guard text.count < 1 << 22 else { break }
        }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
}

/// Makes lines `time,key,value` of rows `key,value`.
struct SystemLines {
    private let rows: [(key: [UInt8], value: [UInt8])]
    /// How many lines were made; says which row and copy is next.
    private(set) var position: Int

    init(rows: [String], after position: Int = 0) {
        self.rows = rows.map { row in
            let parts = row.split(separator: ",", maxSplits: 1)
            return (Array(parts[0].utf8), Array((parts.last ?? "").utf8))
        }
        self.position = position
    }

    var isEmpty: Bool { rows.isEmpty }
    var count: Int { rows.count }

    /// Every row once, as it was measured.
    func all(at time: EventTime) -> [UInt8] {
        var lines = self
        lines.position = 0
        return lines.next(rows.count, copies: 1, at: time)
    }

    /// The next lines, going round all rows and then through their copies.
    mutating func next(_ count: Int, copies: Int, at time: EventTime) -> [UInt8] {
        guard !rows.isEmpty else { return [] }
        let stamp = Array("\(time.microseconds),".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(count * 48)
        for _ in 0..<count {
            let row = rows[position % rows.count]
            let copy = position / rows.count % copies
            position += 1
            out += stamp
            out += row.key
            if copy > 0 {
                out.append(UInt8(ascii: "~"))
                if copy >= 10 { out.append(UInt8(ascii: "0") + UInt8(copy / 10)) }
                out.append(UInt8(ascii: "0") + UInt8(copy % 10))
            }
            out.append(UInt8(ascii: ","))
            out += row.value
            out.append(UInt8(ascii: "\n"))
        }
        return out
    }
}

package import PoiseModel

/// What the links of the bus had counted at a moment (`io.poise.BusCounters`).
package struct BusSnapshot {
    private let seconds: Double
    private let links: [String: JSON]

    package init(_ json: JSON) {
        seconds = json["seconds"]?.number ?? 0
        var links: [String: JSON] = [:]
        for link in json["links"]?.array ?? [] {
            if let name = link["link"]?.string { links[name] = link }
        }
        self.links = links
    }

    /// What was counted between an earlier snapshot and this one, by link.
    package func rates(since earlier: BusSnapshot) -> [BusRate] {
        let time = seconds - earlier.seconds
        return links.sorted { $0.key < $1.key }.map { name, link in
            var before = earlier.links[name]
            // Files that were made anew count from 0.
            if before?["incarnation"] != link["incarnation"] { before = nil }
            return BusRate(link, since: before, seconds: time)
        }
    }
}

/// What passed on one link in a time; what is not known is nil.
package struct BusRate {
    package struct Lane {
        package var name: String
        package var messages: Double?
        package var depth: Int?
    }

    package let link: JSON
    package let messagesPerSecond: Double?
    package let bytesPerSecond: Double?
    /// How often the consumer went to sleep in a second.
    package let sleepsPerSecond: Double?
    /// How much of the time the producer waited for room, 0 to 1.
    package let blockedShare: Double?
    /// Messages that were lost or not sent in this time, by kind; kinds without any are left out.
    package let drops: [(kind: String, count: Int)]
    package let lanes: [Lane]
    /// Of sampled messages, nanoseconds between sending and reading.
    package let p50Nanoseconds: Int?
    package let p99Nanoseconds: Int?

    package static let kinds = [
        "droppedOldest", "droppedNewest", "refused", "spilled", "missed",
    ]

    fileprivate init(_ link: JSON, since before: JSON?, seconds: Double) {
        self.link = link
        func change(_ now: JSON?, _ then: JSON?) -> Int? {
            guard let now = now?.integer else { return nil }
            return max(0, now - (then?.integer ?? 0))
        }
        let rate = { (count: Int?) in seconds > 0 ? count.map { Double($0) / seconds } : nil }
        let now = link["lanes"]?.array ?? []
        let then = before?["lanes"]?.array ?? []
        func sum(_ key: String) -> Int? {
            guard !now.isEmpty else { return nil }
            return now.indices.reduce(0) { sum, index in
                let earlier = then.indices.contains(index) ? then[index][key] : nil
                return sum + (change(now[index][key], earlier) ?? 0)
            }
        }
        messagesPerSecond = rate(sum("sent"))
        bytesPerSecond = rate(sum("bytes"))
        sleepsPerSecond = rate(change(link["sleeps"], before?["sleeps"]))
        blockedShare = rate(sum("blockedNanoseconds")).map { min(1, $0 / 1e9) }
        drops = BusRate.kinds.compactMap { kind in
            sum(kind).flatMap { $0 > 0 ? (kind: kind, count: $0) : nil }
        }
        lanes = now.indices.map { index in
            let earlier = then.indices.contains(index) ? then[index]["sent"] : nil
            return Lane(
                name: now[index]["lane"]?.string ?? "\(index)",
                messages: rate(change(now[index]["sent"], earlier)),
                depth: now[index]["depth"]?.integer)
        }
        let waits = BusRate.waits(link, since: before)
        p50Nanoseconds = BusRate.quantile(0.5, waits)
        p99Nanoseconds = BusRate.quantile(0.99, waits)
    }

    /// Counts by the upper end of each bucket.
    private static func waits(_ link: JSON, since before: JSON?) -> [(upTo: Int, count: Int)] {
        var earlier: [Int: Int] = [:]
        for wait in before?["waits"]?.array ?? [] {
            if let upTo = wait["upToNanoseconds"]?.integer {
                earlier[upTo] = wait["count"]?.integer
            }
        }
        return (link["waits"]?.array ?? []).compactMap { wait in
            guard let upTo = wait["upToNanoseconds"]?.integer, let count = wait["count"]?.integer
            else { return nil }
            return (upTo, max(0, count - (earlier[upTo] ?? 0)))
        }.sorted { $0.upTo < $1.upTo }
    }

    private static func quantile(_ share: Double, _ waits: [(upTo: Int, count: Int)]) -> Int? {
        let sum = waits.reduce(0) { $0 + $1.count }
        guard sum > 0 else { return nil }
        let wanted = max(1, Int((Double(sum) * share).rounded(.up)))
        var seen = 0
        for wait in waits {
            seen += wait.count
            if seen >= wanted { return wait.upTo }
        }
        return waits.last?.upTo
    }

    package var json: JSON {
        [
            "link": link["link"] ?? .null, "route": link["route"] ?? .null,
            "from": link["from"] ?? .null, "to": link["to"] ?? .null,
            "messagesPerSecond": JSON(messagesPerSecond), "bytesPerSecond": JSON(bytesPerSecond),
            "depth": link["depth"] ?? .null, "depthBytes": link["depthBytes"] ?? .null,
            "ringBytes": link["ringBytes"] ?? .null, "wait": link["wait"] ?? .null,
            "sleepsPerSecond": JSON(sleepsPerSecond),
            "consumerSleeps": link["consumerSleeps"] ?? .null,
            "producerBlockedShare": JSON(blockedShare),
            "drops": .object(drops.map { .init($0.kind, .integer($0.count)) }),
            "p50Nanoseconds": JSON(p50Nanoseconds), "p99Nanoseconds": JSON(p99Nanoseconds),
            "draining": link["draining"] ?? .null,
            "lanes": .array(
                lanes.map {
                    [
                        "lane": .string($0.name), "messagesPerSecond": JSON($0.messages),
                        "depth": JSON($0.depth),
                    ]
                }),
        ]
    }
}

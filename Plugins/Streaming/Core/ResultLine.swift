/// Writes results as JSON lines.
enum ResultLine {
    static func window(_ key: String, _ closed: WindowStore.Closed, into out: inout [UInt8]) {
        let aggregate = closed.aggregate
        out.append(contentsOf: "{\"key\":".utf8)
        JSONText.quote(key, into: &out)
        text(",\"start\":\"", closed.start.description, into: &out)
        text("\",\"end\":\"", closed.end.description, into: &out)
        text("\",\"count\":", "\(aggregate.count)", into: &out)
        number(",\"sum\":", aggregate.sum, into: &out)
        number(",\"min\":", aggregate.min, into: &out)
        number(",\"max\":", aggregate.max, into: &out)
        number(",\"mean\":", aggregate.mean, into: &out)
        number(",\"variance\":", aggregate.variance, into: &out)
        number(",\"p50\":", aggregate.quantile(0.5), into: &out)
        number(",\"p99\":", aggregate.quantile(0.99), into: &out)
        number(",\"last\":", aggregate.last, into: &out)
        text(",\"late\":", "\(closed.late)", into: &out)
        out.append(contentsOf: (closed.partial ? ",\"partial\":true}\n" : "}\n").utf8)
    }

    static func anomaly(_ anomaly: Anomaly, into out: inout [UInt8]) {
        number("{\"anomaly\":", anomaly.score, into: &out)
        out.append(contentsOf: ",\"key\":".utf8)
        JSONText.quote(anomaly.key, into: &out)
        text(",\"time\":\"", anomaly.time.description, into: &out)
        number("\",\"value\":", anomaly.value, into: &out)
        out.append(contentsOf: "}\n".utf8)
    }

    private static func text(_ label: StaticString, _ text: String, into out: inout [UInt8]) {
        label.withUTF8Buffer { out.append(contentsOf: $0) }
        out.append(contentsOf: text.utf8)
    }

    private static func number(_ label: StaticString, _ value: Double?, into out: inout [UInt8]) {
        label.withUTF8Buffer { out.append(contentsOf: $0) }
        guard let value, value.isFinite else {
            out.append(contentsOf: "null".utf8)
            return
        }
        out.append(contentsOf: value.description.utf8)
    }
}

/// A value that is not like what its series has been.
package struct Anomaly: Sendable, Equatable {
    package var key: String
    package var time: EventTime
    package var value: Double
    /// 0…1, the nearer to 1 the rarer.
    package var score: Double

    package init(key: String, time: EventTime, value: Double, score: Double) {
        self.key = key
        self.time = time
        self.value = value
        self.score = score
    }
}

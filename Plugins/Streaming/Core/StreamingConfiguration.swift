package import PoiseModel

/// What a policy says under `config` of a streaming feature; all that is left out has a default.
///
/// - `source`: `kind` system (`period`), file or folder (`path`, `repeat`), tcp (`address`, `port`)
///   or command (`command`, a list); `format` auto, csv or json; `key` and `time` where these
///   fields have unusual names; `rate` in events a second.
/// - `window`: `kind` tumbling or sliding, `size`, `slide`. `watermark`: the lateness allowed.
///   `idle`: when a silent stream no longer holds the watermark back.
/// - `anomaly`: `threshold` between 0 and 1, or false. `keys`: how many series are kept at most.
/// - `output`: none, `-` for standard output, or a file (relative to the feature's folder).
/// - `load`: `shape` steady (`high`) or wave (`low`, `high`, `period`), in events a second.
package struct StreamingConfiguration: Sendable, Equatable {
    /// Where events come from.
    package enum Source: Sendable, Equatable {
        /// This machine's own counters, sampled every `period`.
        case system(period: Duration)
        case file(path: String, again: Bool)
        /// Every CSV and JSON-lines file below a folder.
        case folder(path: String, again: Bool)
        case tcp(address: String, port: Int)
        /// The standard output of a program.
        case command([String])
    }

    package enum Format: String, Sendable, CaseIterable { case auto, csv, json }

    package enum Output: Sendable, Equatable {
        case none, standardOutput
        case file(String)
    }

    package var source = Source.system(period: .milliseconds(100))
    package var format = Format.auto
    /// The names of the key and time columns where they are not the usual ones.
    package var keyField: String?
    package var timeField: String?
    package var shape = WindowShape(size: .seconds(10))
    package var lateness = Duration.seconds(1)
    package var idle = Duration.seconds(5)
    /// nil looks for no anomalies.
    package var anomalyThreshold: Double? = 0.9995
    package var mostKeys = 65_536
    package var output = Output.none
    /// nil lets the source run as fast as it does.
    package var load: LoadShape?

    /// Reads a configuration, or tells every mistake in it.
    package init(_ json: JSON) throws(ConfigurationMistakes) {
        var reader = ConfigurationReader()
        read(json, &reader)
        guard reader.mistakes.isEmpty else {
            throw ConfigurationMistakes(mistakes: reader.mistakes)
        }
    }

    private mutating func read(_ json: JSON, _ reader: inout ConfigurationReader) {
        if json == .null { return }
        let known = ["source", "window", "watermark", "idle", "anomaly", "keys", "output", "load"]
        guard reader.object(json, "", known: known) else { return }
        readSource(json["source"], &reader)
        readWindow(json["window"], &reader)
        lateness = reader.duration(json["watermark"], "watermark", least: .zero) ?? lateness
        idle = reader.duration(json["idle"], "idle") ?? idle
        readAnomaly(json["anomaly"], &reader)
        mostKeys = reader.integer(json["keys"], "keys", in: 64...16_777_216) ?? mostKeys
        if let text = reader.text(json["output"], "output") {
            output = text == "none" ? .none : text == "-" ? .standardOutput : .file(text)
        }
        readLoad(json["load"], &reader)
    }

    private mutating func readWindow(_ json: JSON?, _ reader: inout ConfigurationReader) {
        guard let json, reader.object(json, "window", known: ["kind", "size", "slide"]) else {
            return
        }
        let kind = reader.choice(json["kind"], "window.kind", of: ["tumbling", "sliding"])
        let size = reader.duration(json["size"], "window.size") ?? .seconds(10)
        guard kind == "sliding" else {
            if json["slide"] != nil {
                reader.mistake("window.slide", "only a sliding window has one (set kind: sliding)")
            }
            shape = WindowShape(size: size)
            return
        }
        let slide = reader.duration(json["slide"], "window.slide") ?? size / 5
        guard slide <= size else {
            reader.mistake("window.slide", "expected no more than window.size")
            return
        }
        guard size <= slide * 1000, slide >= .microseconds(1) else {
            reader.mistake("window.slide", "expected at least a thousandth of window.size")
            return
        }
        shape = WindowShape(size: size, slide: slide)
        if shape.size / shape.pane > 1000 {
            reader.mistake(
                "window.slide", "expected a slide that divides window.size, or nearly so")
        }
    }

    private mutating func readAnomaly(_ json: JSON?, _ reader: inout ConfigurationReader) {
        guard let json else { return }
        if case .bool(let isOn) = json {
            if !isOn { anomalyThreshold = nil }
            return
        }
        guard reader.object(json, "anomaly", known: ["threshold"]) else { return }
        if let value = reader.number(json["threshold"], "anomaly.threshold") {
            if value > 0, value < 1 {
                anomalyThreshold = value
            } else {
                reader.mistake("anomaly.threshold", "expected more than 0 and less than 1")
            }
        }
    }
}

extension StreamingConfiguration {
    private static let kinds = ["system", "file", "folder", "tcp", "command"]

    private mutating func readSource(_ json: JSON?, _ reader: inout ConfigurationReader) {
        guard let json else { return }
        let known = [
            "kind", "path", "port", "address", "command", "format", "rate", "repeat", "period",
            "key", "time",
        ]
        guard reader.object(json, "source", known: known) else { return }
        let kind = reader.choice(json["kind"], "source.kind", of: Self.kinds) ?? "system"
        if let text = reader.choice(
            json["format"], "source.format", of: Format.allCases.map(\.rawValue))
        {
            format = Format(rawValue: text) ?? .auto
        }
        keyField = reader.text(json["key"], "source.key")
        timeField = reader.text(json["time"], "source.time")
        if let rate = reader.number(json["rate"], "source.rate") {
            if rate > 0, rate <= 1e9 {
                load = .steady(rate)
            } else {
                reader.mistake("source.rate", "expected more than 0 events a second")
            }
        }
        refuseStrangers(json, kind, &reader)
        readKind(json, kind, &reader)
    }

    /// A key that another kind of source has is a mistake, not a thing to overlook.
    private func refuseStrangers(
        _ json: JSON, _ kind: String, _ reader: inout ConfigurationReader
    ) {
        let owners = [
            ("path", ["file", "folder"]), ("repeat", ["file", "folder"]), ("port", ["tcp"]),
            ("address", ["tcp"]), ("command", ["command"]), ("period", ["system"]),
        ]
        for (key, kinds) in owners where json[key] != nil && !kinds.contains(kind) {
            let owner = kinds.joined(separator: " or ")
            reader.mistake("source.\(key)", "only a source of kind \(owner) has one")
        }
    }

    private mutating func readKind(
        _ json: JSON, _ kind: String, _ reader: inout ConfigurationReader
    ) {
        switch kind {
        case "file", "folder":
            guard let path = reader.required(json["path"], "source.path") else { return }
            let again = reader.truth(json["repeat"], "source.repeat") ?? false
            source =
                kind == "file"
                ? .file(path: path, again: again)
                : .folder(path: path, again: again)
        case "tcp":
            guard let port = reader.integer(json["port"], "source.port", in: 0...65_535) else {
                if json["port"] == nil { reader.mistake("source.port", "missing") }
                return
            }
            let address = reader.text(json["address"], "source.address") ?? "127.0.0.1"
            source = .tcp(address: address, port: port)
        case "command":
            guard let words = json["command"]?.array, !words.isEmpty,
                words.allSatisfy({ $0.string != nil })
            else {
                reader.mistake("source.command", "expected a list of texts, the program first")
                return
            }
            source = .command(words.compactMap(\.string))
        default:
            let period = reader.duration(
                json["period"], "source.period", least: .milliseconds(10))
            source = .system(period: period ?? .milliseconds(100))
        }
    }

    private mutating func readLoad(_ json: JSON?, _ reader: inout ConfigurationReader) {
        guard let json,
            reader.object(json, "load", known: ["shape", "low", "high", "period"])
        else { return }
        let shape = reader.choice(json["shape"], "load.shape", of: ["steady", "wave"])
        let high = reader.number(json["high"], "load.high")
        guard let high, high > 0, high <= 1e9 else {
            reader.mistake("load.high", "expected more than 0 events a second")
            return
        }
        guard shape == "wave" else {
            load = .steady(high)
            return
        }
        let low = reader.number(json["low"], "load.low") ?? 0
        guard low >= 0, low <= high else {
            reader.mistake("load.low", "expected 0 or more, and no more than load.high")
            return
        }
        let period = reader.duration(json["period"], "load.period") ?? .seconds(10)
        load = .wave(low: low, high: high, period: period)
    }
}

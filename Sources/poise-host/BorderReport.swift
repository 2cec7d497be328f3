import PluginABI
import PoiseModel
import PoiseWire

/// What a plugin reported, and what of it cannot be.
struct BorderReport {
    private(set) var report = LoadReport()
    /// One text for each value that was left out because it cannot be.
    private(set) var problems: [String] = []

    /// Asks a plugin for its report; everything is "not known" before.
    init(_ sample: (UnsafeMutablePointer<poise_report>) -> Void) {
        var gauges = [poise_gauge](repeating: poise_gauge(), count: HostNews.mostGauges)
        for index in gauges.indices { gauges[index].value = .nan }
        var border = poise_report()
        border.size = UInt32(MemoryLayout<poise_report>.size)
        border.gauge_capacity = UInt32(gauges.count)
        border.utilisation = .nan
        border.throughput_per_second = .nan
        border.latency_p50_seconds = .nan
        border.latency_p99_seconds = .nan
        border.queue_depth = -1
        border.errors = -1
        let room = gauges.count
        gauges.withUnsafeMutableBufferPointer { buffer in
            border.gauges = buffer.baseAddress
            sample(&border)
        }
        readValues(border)
        if border.gauge_count > UInt32(room) {
            problems.append("gauge_count \(border.gauge_count)")
        }
        for gauge in gauges.prefix(Int(clamping: border.gauge_count)) { read(gauge) }
    }

    private mutating func readValues(_ border: poise_report) {
        report.utilisation = amount("utilisation", border.utilisation, most: 1.5)
        report.throughputPerSecond = amount(
            "throughput_per_second", border.throughput_per_second, most: 1e15)
        report.latencyP50 = amount("latency_p50_seconds", border.latency_p50_seconds, most: 1e9)
            .map { .seconds($0) }
        report.latencyP99 = amount("latency_p99_seconds", border.latency_p99_seconds, most: 1e9)
            .map { .seconds($0) }
        report.queueDepth = count("queue_depth", border.queue_depth)
        report.errors = count("errors", border.errors)
    }

    private mutating func read(_ gauge: poise_gauge) {
        let name = withUnsafeBytes(of: gauge.name) { HostMessageText.tame($0, longest: 64) }
        guard HostMessageText.isName(name) else {
            problems.append("a gauge called \"\(name)\"")
            return
        }
        guard !gauge.value.isNaN else { return }
        guard gauge.value.isFinite, !report.gauges.contains(where: { $0.name == name }) else {
            problems.append("gauge \(name) \(gauge.value.isFinite ? "twice" : "\(gauge.value)")")
            return
        }
        report.gauges.append(LoadReport.Gauge(name: name, value: gauge.value))
    }

    private mutating func amount(_ name: String, _ value: Double, most: Double) -> Double? {
        guard !value.isNaN else { return nil }
        guard value >= 0, value <= most else {
            problems.append("\(name) \(value)")
            return nil
        }
        return value
    }

    private mutating func count(_ name: String, _ value: Int64) -> Int? {
        guard value != -1 else { return nil }
        guard value >= 0, value <= 1 << 50 else {
            problems.append("\(name) \(value)")
            return nil
        }
        return Int(value)
    }
}

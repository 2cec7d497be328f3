import Glibc
import PoiseModel
import StreamingCore
import Testing

/// Scores of a made series, a value every five minutes.
private func scores(_ count: Int, _ value: (Int) -> Double) -> [Double] {
    var detector = AnomalyDetector()
    return (0..<count).map {
        detector.score(value: value($0), at: EventTime(microseconds: $0 * 300_000_000))
    }
}

private let made: [Double] = {
    var random = SmallGenerator(seed: 3)
    return (0..<4000).map { _ in Double(random.next() >> 11) / Double(1 << 53) }
}()

private func noise(_ index: Int) -> Double { made[index] }

@Test(arguments: [1.0, 1e-6, 1e9])
func spikeOutOfNoiseIsFoundAtAnyScale(scale: Double) throws {
    let all = scores(2000) { scale * (noise($0) + ($0 == 1500 ? 20 : 0)) }
    #expect(all.allSatisfy { $0 >= 0 && $0 < 1 })
    let best = try #require(all.indices.max { all[$0] < all[$1] })
    #expect(best == 1500)
    #expect(all[1500] > 0.9999)
}

@Test func shiftOfTheLevelIsToldOnceAndThenOrdinary() {
    let all = scores(3000) { noise($0) + ($0 >= 1500 ? 10 : 0) }
    #expect(all[1500...1510].contains { $0 > 0.9995 })
    #expect(all[1510..<3000].filter { $0 > 0.9995 }.count <= 2)
}

@Test func spikesThatAreUsualAreNoAnomalies() {
    let all = scores(4000) { noise($0) + ($0 % 50 == 0 ? 20 : 0) }
    let told = all.indices.filter { $0 >= 1000 && $0 % 50 == 0 && all[$0] > 0.9995 }
    // Of 60 spikes, as of any values, one in two thousand may be the rarest so far.
    #expect(told.count <= 1)
}

@Test(arguments: [0.0, 5, -1e300, 1e300, 1e-307])
func seriesThatNeverChangesIsNeverAnomalous(value: Double) {
    #expect(scores(1000) { _ in value }.allSatisfy { $0 == 0 })
}

@Test func extremeValuesNeverGiveNonsense() {
    let extremes = [1e308, -1e308, 0, 1e-307, 1, -1, 1e-300]
    let all = scores(2000) { extremes[Int(noise($0) * 7)] }
    #expect(all.allSatisfy { $0 >= 0 && $0 <= 1 })
}

@Test func scoresKnowOnlyThePast() {
    let short = scores(500) { noise($0) }
    let long = scores(1000) { $0 < 500 ? noise($0) : 1e6 }
    #expect(Array(long[..<500]) == short)
}

/// The labelled series are not part of the project; without them there is nothing to score.
@Test(.enabled(if: Benchmark.folder != nil, "the NAB series are not here (POISE_SHARED)"))
func labelledWindowsAreHitFarMoreOftenThanChance() throws {
    let folder = try #require(Benchmark.folder)
    var hits = 0
    var windows = 0
    var byChance = 0.0
    for (name, labels) in try Benchmark.labels(folder) where !labels.isEmpty {
        let series = Benchmark.series(folder + "/data/" + name)
        var detector = AnomalyDetector()
        let told = series.filter { detector.score(value: $0.value, at: $0.time) >= 0.9995 }
        for (start, end) in labels {
            let inside = series.filter { $0.time >= start && $0.time <= end }.count
            let share = Double(inside) / Double(max(1, series.count))
            windows += 1
            if told.contains(where: { $0.time >= start && $0.time <= end }) { hits += 1 }
            byChance += 1 - pow(1 - share, Double(told.count))
        }
    }
    #expect(windows > 50)
    #expect(Double(hits) > byChance * 1.5)
    #expect(Double(hits) > Double(windows) * 0.6)
}

private enum Benchmark {
    static let folder: String? = {
        for candidate in candidates where access(candidate + "/data/nab/labels", R_OK) == 0 {
            return candidate + "/data/nab"
        }
        return nil
    }()

    private static var candidates: [String] {
        var found: [String] = []
        if let shared = getenv("POISE_SHARED") { found.append(String(cString: shared)) }
        var parts = #filePath.split(separator: "/")
        while parts.popLast() != nil {
            found.append("/" + parts.joined(separator: "/") + "/shared")
        }
        return found
    }

    /// File names with their windows; the labels' JSON is simple enough to be cut at its quotes.
    static func labels(_ folder: String) throws -> [(String, [(EventTime, EventTime)])] {
        let parts = text(folder + "/labels/combined_windows.json").split(
            separator: "\"", omittingEmptySubsequences: false)
        var result: [(String, [(EventTime, EventTime)])] = []
        var start: EventTime?
        for index in stride(from: 1, to: parts.count, by: 2) {
            if parts[index].hasSuffix(".csv") {
                result.append((String(parts[index]), []))
            } else if let time = time(parts[index]), let end = result.indices.last {
                if let first = start {
                    result[end].1.append((first, time))
                    start = nil
                } else {
                    start = time
                }
            }
        }
        return result
    }

    static func series(_ path: String) -> [(time: EventTime, value: Double)] {
        text(path).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: ",")
            guard fields.count == 2, let time = time(fields[0]),
                let value = Double(fields[1].filter { $0 != "\r" })
            else { return nil }
            return (time, value)
        }
    }

    private static func time(_ text: Substring) -> EventTime? {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count >= 6 else { return nil }
        let second = numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        return EventTime(
            year: numbers[0], month: numbers[1], day: numbers[2], secondOfDay: second)
    }

    private static func text(_ path: String) -> String { Files.read(path) }
}

/// What a control rule sees of one feature since the look before.
struct ControlReading {
    var usedMillicores: Int
    /// Share of its work that found no CPU.
    var pressurePerMille: Int
    /// What it says that it needs.
    var claimMillicores: Int?
}

/// Decides how many cores each feature has, from what they did.
protocol ControlRule {
    /// Takes one look and gives millicores by feature.
    mutating func decide(_ readings: [ControlReading], look: Int) -> [Int]
}

/// The limits that all rules have in common.
enum ControlLimits {
    static let cores = 16
    static let leastCores = 1
    static let mostCores = 12

    /// Wishes in cores within the limits; what is too much is not given to those that grow most
    /// recently in the list.
    static func grant(_ wishes: [Int], having: [Int]) -> [Int] {
        let clamped = wishes.map { min(max($0, leastCores), mostCores) }
        var result = zip(clamped, having).map { min($0, $1) }
        var free = cores - result.reduce(0, +)
        for index in result.indices {
            let more = min(free, clamped[index] - result[index])
            result[index] += more
            free -= more
        }
        return result
    }
}

/// The same for everybody, for ever.
struct FixedShares: ControlRule {
    func decide(_ readings: [ControlReading], look: Int) -> [Int] {
        readings.map { _ in ControlLimits.cores / readings.count * 1000 }
    }
}

/// Katalyst's provision regulator, from its description: a look every 5 seconds; the use wanted is
/// 80 %, with a deadband of +5 % and -20 % around it; 10 cores up or 2 down in a step at most; 30
/// seconds between steps down.
struct KatalystRegulator: ControlRule {
    private var cores = [Int](repeating: 3, count: StabilityTrace.features)
    private var lastDown = [Int](repeating: -.max / 2, count: StabilityTrace.features)
    private var sums = [(used: Int, pressure: Int, looks: Int)](
        repeating: (0, 0, 0), count: StabilityTrace.features)

    mutating func decide(_ readings: [ControlReading], look: Int) -> [Int] {
        for (index, reading) in readings.enumerated() {
            sums[index].used += reading.usedMillicores
            sums[index].pressure += reading.pressurePerMille
            sums[index].looks += 1
        }
        guard look % 50 == 49 else { return cores.map { $0 * 1000 } }
        var wishes = cores
        for index in cores.indices {
            let used = sums[index].used / sums[index].looks
            let pressure = sums[index].pressure / sums[index].looks
            sums[index] = (0, 0, 0)
            // Waiting counts as use: a full region does not tell how much it lacks.
            let demand = used + used * pressure / 1000
            let share = demand * 100 / (cores[index] * 1000)
            let wish = (demand * 10 / 8 + 999) / 1000
            if share > 80 * 105 / 100 {
                wishes[index] = min(max(wish, cores[index]), cores[index] + 10)
            } else if share < 80 * 80 / 100, wish < cores[index], look - lastDown[index] >= 300 {
                wishes[index] = max(wish, cores[index] - 2)
                lastDown[index] = look
            }
        }
        cores = ControlLimits.grant(wishes, having: cores)
        return cores.map { $0 * 1000 }
    }
}

/// scx_layered's, from its description: every 100 ms, use smoothed with a half-life of 100 ms; a
/// layer grows when it uses more than 90 % of its cores and shrinks below 80 %, by half of what it
/// has too many.
struct HalvingLayers: ControlRule {
    private var cores = [Int](repeating: 3, count: StabilityTrace.features)
    private var smoothed = [Int](repeating: 0, count: StabilityTrace.features)

    mutating func decide(_ readings: [ControlReading], look: Int) -> [Int] {
        var wishes = cores
        for (index, reading) in readings.enumerated() {
            smoothed[index] = (smoothed[index] + reading.usedMillicores) / 2
            let least = (smoothed[index] * 10 / 9 + 999) / 1000
            let most = max(smoothed[index], reading.usedMillicores) * 10 / 8 / 1000
            if cores[index] < least { wishes[index] = least }
            if cores[index] > most {
                let target = max(most, least)
                wishes[index] = cores[index] - (cores[index] - target + 1) / 2
            }
        }
        cores = ControlLimits.grant(wishes, having: cores)
        return cores.map { $0 * 1000 }
    }
}

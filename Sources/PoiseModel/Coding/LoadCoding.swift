// Looks at the load are most of what is recorded, so they are lists by place: new fields go to the
// end, and unknown ones at the end are left out.

extension LoadReading: Codable {
    package init(from decoder: any Decoder) throws {
        let list = try PlacedIntegers(decoder)
        self.init(microseconds: try list.needed(0, "microseconds"))
        usedMillicores = list[1]
        waitingMillicores = list[2]
        cpuPressurePerMille = list[3]
        memoryPressurePerMille = list[4]
        ioPressurePerMille = list[5]
        throttledPerMille = list[6]
        memoryBytes = list[7]
        remoteBytes = list[8]
        utilisationPerMille = list[9]
        queueDepth = list[10]
        latencyP99Microseconds = list[11]
        memoryLimitHits = list[12]
        ioBytesPerSecond = list[13]
        errorsPerMille = list[14]
        throughputPerSecond = list[15]
        memoryFullPerMille = list[16]
    }

    package func encode(to encoder: any Encoder) throws {
        try PlacedIntegers([
            microseconds, usedMillicores, waitingMillicores, cpuPressurePerMille,
            memoryPressurePerMille, ioPressurePerMille, throttledPerMille, memoryBytes, remoteBytes,
            utilisationPerMille, queueDepth, latencyP99Microseconds, memoryLimitHits,
            ioBytesPerSecond, errorsPerMille, throughputPerSecond, memoryFullPerMille,
        ]).encode(to: encoder)
    }
}

extension MachineLoad: Codable {
    package init(from decoder: any Decoder) throws {
        let list = try PlacedIntegers(decoder)
        self.init()
        busyMillicores = list[0]
        cpuPressurePerMille = list[1]
        memoryPressurePerMille = list[2]
        ioPressurePerMille = list[3]
        temperatureMillicelsius = list[4]
    }

    package func encode(to encoder: any Encoder) throws {
        try PlacedIntegers([
            busyMillicores, cpuPressurePerMille, memoryPressurePerMille, ioPressurePerMille,
            temperatureMillicelsius,
        ]).encode(to: encoder)
    }
}

/// Integers that are told apart by their places; nil is unknown.
private struct PlacedIntegers {
    private var values: [Int?]

    init(_ values: [Int?]) { self.values = values }

    init(_ decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        values = try container.decode([JSON].self).map { value in
            guard value != .null else { return nil }
            guard case .integer(let number) = value, number.magnitude < 1 << 52 else {
                throw CodingProblem("\(value) is no amount")
            }
            return number
        }
    }

    subscript(place: Int) -> Int? { place < values.count ? values[place] : nil }

    func needed(_ place: Int, _ name: String) throws -> Int {
        guard let value = self[place] else { throw CodingProblem("has no \(name)") }
        return value
    }

    func encode(to encoder: any Encoder) throws {
        let last = values.lastIndex { $0 != nil } ?? -1
        var container = encoder.singleValueContainer()
        // Many times a second: the list is made here, and not by a container for each number.
        try container.encode(JSON.array(values[...last].map { JSON($0) }))
    }
}

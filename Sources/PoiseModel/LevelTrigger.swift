/// What makes the machine enter a service level, when it lasts; any one of them is enough, and nil
/// never does.
package struct LevelTrigger: Sendable, Equatable, Codable {
    /// Time in which somebody waits for a CPU or for memory, per cent (PSI `some`).
    package var cpuPressurePercent: Int?
    package var memoryPressurePercent: Int?
    /// So many features with an open breaker.
    package var openBreakers: Int?
    /// The hottest sensor of the processors, degrees Celsius.
    package var temperatureCelsius: Int?

    package init(
        cpuPressurePercent: Int? = nil, memoryPressurePercent: Int? = nil,
        openBreakers: Int? = nil, temperatureCelsius: Int? = nil
    ) {
        self.cpuPressurePercent = cpuPressurePercent
        self.memoryPressurePercent = memoryPressurePercent
        self.openBreakers = openBreakers
        self.temperatureCelsius = temperatureCelsius
    }
}

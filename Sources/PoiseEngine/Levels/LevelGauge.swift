package import PoiseModel

/// One thing that a service level is entered by, as it is now.
package struct LevelGauge: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case cpuPressure, memoryPressure, openBreakers, temperature

        /// As people are told it.
        package var words: String {
            switch self {
            case .cpuPressure: "CPU pressure"
            case .memoryPressure: "memory pressure"
            case .openBreakers: "open breakers"
            case .temperature: "temperature"
            }
        }

        /// An amount with its unit.
        package func text(_ amount: Int) -> String {
            switch self {
            case .cpuPressure, .memoryPressure: "\(amount) %"
            case .openBreakers: "\(amount)"
            case .temperature: "\(amount) °C"
            }
        }
    }

    package var level: ServiceLevel
    package var kind: Kind
    /// Per cent, features, or degrees Celsius; nil when it is not known.
    package var value: Int?
    /// The level is entered from here on.
    package var threshold: Int

    package var isReached: Bool { value.map { $0 >= threshold } ?? false }

    /// Whether it is so far below that the level may be left: a fifth. What is not known keeps
    /// nothing up.
    package var isCalm: Bool { value.map { $0 * 5 < threshold * 4 } ?? true }

    /// `CPU pressure 72 % (from 60 %)`.
    func words(for held: Duration) -> String {
        let now = value.map(kind.text) ?? "unknown"
        return "\(kind.words) \(now) for \(QuantityText.duration(held)) (from "
            + "\(kind.text(threshold)))"
    }
}

extension LevelTrigger {
    func threshold(_ kind: LevelGauge.Kind) -> Int? {
        switch kind {
        case .cpuPressure: cpuPressurePercent
        case .memoryPressure: memoryPressurePercent
        case .openBreakers: openBreakers
        case .temperature: temperatureCelsius
        }
    }
}

/// A load of five features over two minutes, one value for each look.
package enum StabilityTrace: String, CaseIterable, Sendable {
    /// Steady, but for ±20 % at every look.
    case noise
    /// One feature goes from 1 core to 6 and back.
    case step
    /// One feature climbs from 1 core to 8 in 45 seconds, and descends.
    case ramp
    /// One feature changes between 1 core and 5 every 5 seconds.
    case squareWave
    /// All features burst to 4.5 cores at the same times: together more than there is.
    case bursts
    /// One feature uses half a core and says that it needs twelve.
    case liar

    package static let features = 5
    /// The feature that most traces move, and that lies.
    static let mover = 0
    static let looks = 1200
    static let millisecondsPerLook = 100

    package var title: String { self == .squareWave ? "square wave" : rawValue }

    /// Millicores that each feature could use, by look and feature.
    func loads() -> [[Int]] {
        var random = SplitMix(seed: 7)
        var burstUntil = -1
        var nextBurst = 50
        return (0..<StabilityTrace.looks).map { look in
            if look == nextBurst {
                burstUntil = look + 10 + random.below(30)
                nextBurst = burstUntil + 50 + random.below(100)
            }
            return (0..<StabilityTrace.features).map { feature in
                if self == .bursts { return look < burstUntil ? 4500 : 1000 }
                // The others are steady within 5 %.
                let steady = 1500 + random.within(-75...75)
                guard feature == StabilityTrace.mover || self == .noise else { return steady }
                return moved(look, &random)
            }
        }
    }

    private func moved(_ look: Int, _ random: inout SplitMix) -> Int {
        switch self {
        case .noise: 2000 + random.within(-400...400)
        case .step: (300..<800).contains(look) ? 6000 : 1000
        case .ramp:
            look < 450
                ? 1000 + 7000 * look / 450
                : look < 900 ? 8000 - 7000 * (look - 450) / 450 : 1000
        case .squareWave: look / 50 % 2 == 0 ? 1000 : 5000
        case .bursts: 1000
        case .liar: 500
        }
    }

    /// What a feature says that it needs, in millicores; nil when it says nothing.
    func claim(_ feature: Int) -> Int? {
        self == .liar && feature == StabilityTrace.mover ? 12_000 : nil
    }
}

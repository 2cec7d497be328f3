package import PoiseModel

/// What a feature will want, from what it wanted at the same time in earlier seasons (days).
///
/// **Model.** Time is cut into slots; for each slot of the season the demand is smoothed over the
/// seasons (half of each new one). The forecast of a slot is its value, moved by half of what the
/// present differs from its own: additive exponential smoothing without a trend (Holt-Winters).
///
/// **Trust.** Each forecast is compared with what came, and so is the plainest of all forecasts,
/// that all stays as it is. Both errors are smoothed over about sixteen slots. The forecast is used
/// only after a whole season and while its error is the smaller one, so it switches itself off.
package struct SeasonalForecast: Sendable, Equatable, Codable {
    /// The length of a season and of a slot, in seconds.
    package let seasonSeconds: Int
    package let slotSeconds: Int
    /// Smoothed demand of each slot in millicores, -1 before it was seen.
    private var season: [Int]
    /// Slots since 1970; the one that is being filled.
    private var slot: Int?
    private var peak = 0
    /// Smoothed errors in thousandths of a millicore.
    private var ownError = 0
    private var plainError = 0
    private var compared = 0
    /// What was foretold for the slot that is being filled, and what the slot before it had.
    private var foretold: Int?
    private var before: Int?

    package init(_ setting: ForecastSetting) {
        slotSeconds = max(1, setting.step.wholeSeconds)
        seasonSeconds = max(2 * slotSeconds, setting.season.wholeSeconds)
        season = Array(repeating: -1, count: seasonSeconds / slotSeconds)
    }

    /// Whether it was made from this setting.
    func isOf(_ setting: ForecastSetting) -> Bool {
        let fresh = SeasonalForecast(setting)
        return (seasonSeconds, slotSeconds) == (fresh.seasonSeconds, fresh.slotSeconds)
    }

    /// Takes the demand of a moment; a clock that goes back or leaps starts a new slot.
    package mutating func take(_ demand: Int, wallSeconds: Int) {
        let now = wallSeconds / slotSeconds
        guard let current = slot else {
            begin(now, demand)
            return
        }
        if now == current {
            peak = max(peak, demand)
        } else {
            let isNext = now == current + 1
            close(current, isNext: isNext)
            if !isNext { (foretold, before) = (nil, nil) }
            begin(now, demand)
        }
    }

    private mutating func begin(_ number: Int, _ demand: Int) {
        slot = number
        peak = demand
    }

    private mutating func close(_ number: Int, isNext: Bool) {
        if let foretold, let before {
            let (own, plain) = (abs(peak - foretold) * 1000, abs(peak - before) * 1000)
            ownError = compared == 0 ? own : ownError + (own - ownError) / 16
            plainError = compared == 0 ? plain : plainError + (plain - plainError) / 16
            compared += 1
        }
        let index = position(number)
        let difference = season[index] < 0 ? 0 : peak - season[index]
        season[index] = season[index] < 0 ? peak : season[index] + difference / 2
        before = peak
        let next = season[position(number + 1)]
        foretold = isNext && next >= 0 ? max(0, next + difference / 2) : nil
    }

    private func position(_ number: Int) -> Int {
        let index = number % season.count
        return index < 0 ? index + season.count : index
    }

    /// The demand that is foretold for the slot now and the one after it, in millicores; nil when
    /// one of them was never seen.
    package var demand: Int? {
        guard let slot, let foretold else { return nil }
        let next = season[position(slot + 1)]
        return max(foretold, next)
    }

    /// Whether it has proved better than no forecast.
    package var isTrusted: Bool {
        compared >= 16 && season.allSatisfy { $0 >= 0 } && ownError < plainError
    }

    /// The mean error of the forecasts, and of the plain ones that nothing changes, in millicores;
    /// nil before the first comparison.
    package var errors: (own: Int, plain: Int)? {
        compared == 0 ? nil : (ownError / 1000, plainError / 1000)
    }
}

extension SeasonalForecast: SelfChecking {
    package var contradiction: String? {
        let isWhole = slotSeconds > 0 && season.count == seasonSeconds / slotSeconds
        return isWhole && season.count > 1 ? nil : "has slots that cannot be"
    }
}

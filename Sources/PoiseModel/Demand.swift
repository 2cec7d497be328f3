/// What a feature needs now, in millicores a class; nil is "as the policy wants".
///
/// The planner holds it between the policy's `min` and `max`.
package struct Demand: Sendable, Equatable, Codable {
    package var wanted: PerClass<Int?>

    package init(wanted: PerClass<Int?> = PerClass(repeating: nil)) { self.wanted = wanted }

    /// This demand, or `settled` for every class in which the two differ by no more than
    /// `deadbandPercent` of `settled`.
    package func held(to settled: Demand, deadbandPercent: Int) -> Demand {
        var result = self
        for coreClass in CoreClass.allCases {
            guard let now = wanted[coreClass], let before = settled.wanted[coreClass],
                abs(now - before) * 100 <= before * deadbandPercent
            else { continue }
            result.wanted[coreClass] = before
        }
        return result
    }
}

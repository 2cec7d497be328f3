package import PoiseModel

/// How strict limits of traffic are, from how much the machine and the daemon have to do.
///
/// Stricter at once, less strict one step at a time and only after it has been quieter for a while,
/// so that a load that swings does not change it back and forth.
package struct TrafficPressure: Sendable {
    /// What there is to choose from, per cent.
    package static let steps = [100, 75, 50, 25, 10]
    /// How long it must have been quieter until a step back.
    package static let patience = Duration.seconds(5)

    package private(set) var percent = 100
    private var quieterSince: Instant?
    private var before: (stalled: Int, at: Instant)?

    package init() {}

    /// Takes one look at a counter of the time in which somebody waited for a CPU (`some` of
    /// `/proc/pressure/cpu`); nil where the kernel does not count it.
    package mutating func look(stalledMicroseconds: Int?, lateness: Duration, now: Instant) {
        var perMille: Int?
        if let stalled = stalledMicroseconds {
            if let before, now > before.at {
                let microseconds = (now - before.at).wholeNanoseconds / 1000
                perMille = max(0, stalled - before.stalled) * 1000 / max(1, microseconds)
            }
            before = (stalled, now)
        }
        look(cpuPressurePerMille: perMille, lateness: lateness, now: now)
    }

    /// Takes one look.
    ///
    /// - Parameters:
    ///   - cpuPressurePerMille: the time in which somebody on this machine waited for a CPU; nil
    ///     where the kernel does not count it.
    ///   - lateness: how much later than it was due the daemon came to its work.
    package mutating func look(
        cpuPressurePerMille: Int?, lateness: Duration, now: Instant
    ) {
        let wanted = min(
            TrafficPressure.percent(cpuPressurePerMille ?? 0),
            TrafficPressure.percent(lateness))
        guard wanted > percent else {
            quieterSince = nil
            percent = wanted
            return
        }
        let since = quieterSince ?? now
        quieterSince = since
        guard now - since >= TrafficPressure.patience else { return }
        quieterSince = now
        percent = TrafficPressure.steps.last { $0 > percent } ?? 100
    }

    private static func percent(_ cpuPressurePerMille: Int) -> Int {
        switch cpuPressurePerMille {
        // Somebody waits most of the time on a machine that is well used; that alone says little.
        case ..<800: 100
        case ..<900: 75
        default: 50
        }
    }

    private static func percent(_ lateness: Duration) -> Int {
        switch lateness {
        case ..<(.milliseconds(50)): 100
        case ..<(.milliseconds(100)): 75
        case ..<(.milliseconds(250)): 50
        case ..<(.milliseconds(500)): 25
        default: 10
        }
    }
}

import PoiseLinux
import PoiseModel

/// What the daemon holds to look at the load: its rhythm, the machine's counters, and the triggers
/// by which the kernel tells of pressure.
final class Sensing {
    /// A trigger that is watched.
    struct Watched {
        var trigger: PressureTrigger
        var token: UInt64
    }

    var rhythm = LookRhythm()
    let machine = MachineCounters()
    /// Read only where a policy asks for it.
    private(set) lazy var temperature = ProcessorTemperature()
    /// Whether this kernel has no `memory.reclaim`.
    var cannotReclaim = false
    /// The counters at the last look at the machine.
    var before: (totals: MachineCounters.Totals, at: Instant)?
    /// The newest process or thread when features were last listed.
    var newest: Int?
    /// Triggers on what features wait for.
    var triggers: [FeatureID: [Watched]] = [:]
    /// A trigger on what anybody on this machine waits for.
    var machineTrigger: Watched?
    /// Why there is none.
    var whyNoTrigger: String?
    /// The machine's counter at the last glance, where triggers are not to be had.
    var glance: (stalled: Int, at: Instant)?
    var nextGlance: Instant?
    /// How often the kernel has told of pressure, and how often the load was looked at.
    var signs = 0
    var looks = 0

    /// Between glances, where the kernel tells nothing by itself.
    static let glances = Duration.milliseconds(100)
    /// Triggers with a longer window tell too late to rely on.
    static let longestWindow = Duration.milliseconds(500)

    /// Whether the kernel tells in time when somebody begins to wait.
    var isTold: Bool {
        machineTrigger.map { $0.trigger.window <= Sensing.longestWindow } ?? false
    }

    /// The member `sensing` of the status.
    var json: JSON {
        let window = machineTrigger?.trigger.window.wholeMilliseconds
        return [
            "cadence": rhythm.isActive ? "active" : "idle",
            "woken": isTold ? "by the kernel" : "by itself",
            "windowMilliseconds": JSON(window), "whyNoTrigger": JSON(whyNoTrigger),
            "triggers": .integer(
                triggers.values.reduce(machineTrigger == nil ? 0 : 1) { $0 + $1.count }),
            "signs": .integer(signs), "looks": .integer(looks),
        ]
    }
}

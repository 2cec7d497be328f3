package import PoiseModel

/// What a feature's load is taken to want, in millicores: quick to grow, slow to shrink.
///
/// **Raw demand** of one look is what it used and twice the threads that waited. The kernel tells
/// how many those were (run delay; up to half of what it used is believed), or they are guessed
/// from pressure (PSI `some`) when it is near what it may use; where neither is known, 85 % of use
/// is taken to be full. One thread that keeps one core busy waits for nothing, and a second core
/// would be of no use to it. What the feature says of itself may raise the raw demand.
///
/// **Peak-aware.** Raw demand is smoothed, three quarters of each look upwards and a quarter
/// downwards, and the peak of `shrinkAfter` is kept beside it (as in scx_layered, where shrinking
/// looks at the peak and growing at the present).
///
/// **Settled demand** is what plans are made from. It grows when two looks in a row ask for it,
/// or at once when threads wait; it shrinks to what the peak of the window needs, by half at most.
/// Changes below the deadband are none, and there is one change a second at most, but for a leap by
/// half while threads wait.
///
/// **The reference.** What the clever part above comes to is held between two plain figures: what
/// is in use now, and twice the peak of use of ten seconds and a core (`ReferenceDemand`; the idea
/// is Katalyst's reference policy). A feature that tells lies of itself is believed that far.
package struct DemandEstimator: Sendable, Equatable, Codable {
    /// A core in use for this share is full when growing, and the other when shrinking; between the
    /// two nothing changes.
    static let growAt = 850
    static let shrinkAt = 700
    static let countAt = 400
    /// From this share of time in which something waits (or of a thread that waits), growing does
    /// not wait for a second look.
    static let urgent = 100
    /// Below this, in millicores, it does next to nothing.
    static let idle = 50
    /// Between two changes that nothing urgent asks for.
    static let pause = Duration.seconds(1)

    /// What limits and turns the estimate.
    package struct Setting: Sendable, Equatable {
        /// What it has by the plan.
        package var entitled: Int
        /// What its policy wants: the settled demand before the first look.
        package var want: Int
        /// Cores are counted in steps of this: 1000 when it has whole ones.
        package var quantum: Int
        /// What its policy allows: more is never settled on.
        package var most: Int
        /// PUs a core, per mille: threads that wait count PUs, demand counts cores.
        package var width: Int
        /// Cores that it may run on. The kernel puts threads on cores of their own first, and the
        /// second thread of a core adds little: so use of up to a PU a core is use of that core.
        package var cores: Int
        package var deadbandPercent: Int
        package var shrinkAfter: Duration

        package init(
            entitled: Int, want: Int, quantum: Int, most: Int = .max, width: Int = 1000,
            cores: Int = .max / 1000,
            deadbandPercent: Int = 5,
            shrinkAfter: Duration = .seconds(2)
        ) {
            self.entitled = entitled
            self.want = want
            self.quantum = quantum
            self.most = most
            self.width = width
            self.cores = cores
            self.deadbandPercent = deadbandPercent
            self.shrinkAfter = shrinkAfter
        }
    }

    /// What it used at the last look, in cores.
    package private(set) var used = 0
    /// The smoothed demand.
    package private(set) var fast = 0
    package private(set) var settled: Int
    package private(set) var isUrgent = false
    package private(set) var reference = ReferenceDemand()
    private var window: PeakWindow
    private var changedAt: Instant?
    private var votes = 0
    /// What the policy wanted at the last look.
    private var want: Int

    package init(_ setting: Setting) {
        want = setting.want
        settled = setting.want
        window = PeakWindow(setting.shrinkAfter)
    }

    /// What would be needed for the peak of the last while, with room above it; nil until a whole
    /// window has been seen.
    package var peakDemand: Int? {
        guard window.isFull, let peak = window.peak else { return nil }
        return peak * DemandEstimator.growAt / DemandEstimator.shrinkAt
    }

    /// Takes one look; gives whether the settled demand changed. Use that is unknown changes
    /// nothing.
    package mutating func take(
        _ reading: LoadReading, _ setting: Setting, now: Instant
    ) -> Bool {
        guard let busy = reading.usedMillicores, busy >= 0 else { return false }
        // What was settled on without any load is the policy's, and follows it.
        if settled == want { settled = setting.want }
        want = setting.want
        if !window.isOf(setting.shrinkAfter) { window = PeakWindow(setting.shrinkAfter) }
        used = min(busy, setting.cores * 1000)
        reference.add(used, now: now)
        let waiting = waiting(reading, setting)
        let room = waiting.map { 2 * $0 } ?? used * 1000 / DemandEstimator.growAt - used
        let waits = waiting ?? 0
        isUrgent = waits >= DemandEstimator.urgent
        let raw = reference.bounded(max(used + room, reported(reading, setting)), used: used)
        fast = raw > fast ? (fast + 3 * raw) / 4 : fast - (fast - raw) / 4
        window.add(fast, now: now)
        return settle(setting, isPressing: waits >= 4 * DemandEstimator.urgent, now)
    }

    /// Threads that waited, in thousandths; guessed from pressure where they are not counted, and
    /// nil where that is not known either.
    ///
    /// Waiting counts when it uses what it has: who waits for a busy neighbour, or for a process
    /// that is nobody's feature, would wait with more to its name too. Counted threads count from a
    /// use of 40 % on: demand is at most twice the use, so that one which is met stays above that.
    /// Pressure counts from 85 % on: where more cores do not help, it shrinks to a use of 82 %, at
    /// which this asks for no more.
    private func waiting(_ reading: LoadReading, _ setting: Setting) -> Int? {
        let counted = reading.waitingMillicores.map { $0 * 1000 / setting.width }
        guard counted != nil || reading.cpuPressurePerMille != nil else { return nil }
        let least = counted == nil ? DemandEstimator.growAt : DemandEstimator.countAt
        guard used * 1000 >= setting.entitled * least else { return 0 }
        if let counted { return min(counted, used / 2) }
        let pressure = reading.cpuPressurePerMille ?? 0
        return pressure < DemandEstimator.urgent / 2 ? 0 : max(used, 100) * pressure / 1000
    }

    private func reported(_ reading: LoadReading, _ setting: Setting) -> Int {
        guard let share = reading.utilisationPerMille else { return 0 }
        return setting.entitled * min(max(share, 0), 2000) / DemandEstimator.growAt
    }

    private mutating func settle(
        _ setting: Setting, isPressing: Bool, _ now: Instant
    ) -> Bool {
        let rests = changedAt.map { now - $0 < DemandEstimator.pause } ?? false
        let goal = min(
            DemandEstimator.roundUp(fast, setting.quantum), max(setting.most, setting.want))
        if goal > settled, DemandEstimator.differs(goal, settled, setting.deadbandPercent) {
            votes += 1
            // Within the pause only what is much more, and badly missed.
            let isLeap = isPressing && 2 * goal >= 3 * settled
            guard rests ? isLeap : isUrgent || votes >= 2 else { return false }
            return change(to: goal, now)
        }
        votes = 0
        guard !rests, changedAt.map({ now - $0 >= setting.shrinkAfter }) ?? true,
            let peak = peakDemand
        else { return false }
        let floor = DemandEstimator.roundUp(max(peak, settled / 2), setting.quantum)
        guard floor < settled, DemandEstimator.differs(floor, settled, setting.deadbandPercent)
        else { return false }
        return change(to: floor, now)
    }

    private mutating func change(to demand: Int, _ now: Instant) -> Bool {
        settled = demand
        changedAt = now
        votes = 0
        return true
    }

    /// Whether a change is more than the deadband of what holds.
    private static func differs(_ new: Int, _ old: Int, _ percent: Int) -> Bool {
        abs(new - old) * 100 > old * percent
    }

    static func roundUp(_ amount: Int, _ quantum: Int) -> Int {
        (amount + quantum - 1) / quantum * quantum
    }
}

/// The plain rule beside the clever one: nothing but what was used.
package struct ReferenceDemand: Sendable, Equatable, Codable {
    /// Long enough that a feature which works in bursts is believed at its next one.
    static let span = Duration.seconds(10)
    private var window = PeakWindow(ReferenceDemand.span)

    package init() {}

    package mutating func add(_ used: Int, now: Instant) { window.add(used, now: now) }

    /// The most that is believed: twice the peak of use, and one core to begin with.
    package var most: Int { 2 * (window.peak ?? 0) + 1000 }

    /// Whether it has been watched for long enough to doubt a feature's own word.
    package var isSure: Bool { window.isFull }

    func bounded(_ demand: Int, used: Int) -> Int { min(max(demand, used), max(most, used)) }
}

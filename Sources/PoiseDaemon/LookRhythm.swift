import PoiseModel

/// When to look at the load: often while something is going on, seldom otherwise, and at once at
/// what the kernel says is waiting.
///
/// States: *idle* (only the thorough look once a second, which is the tick's, and signs from the
/// kernel); *active* (regular looks besides). A sign makes it active, ten quiet looks in a row make
/// it idle. The time comes in from outside.
struct LookRhythm {
    /// One feature is not looked at more often than this, whatever the kernel tells of it.
    static let shortest = Duration.milliseconds(20)
    /// The first look that is not quiet compares with a quiet one, and so dilutes what has just
    /// begun; the next follows this soon after it.
    static let second = Duration.milliseconds(25)
    private static let quietLooks = 10
    /// Looking takes no more than this part of a CPU's time: a look that takes long is made less
    /// often.
    private static let share = 50

    private(set) var isActive = false
    /// The next regular look; nil while idle.
    private var next: Instant?
    private var due: [FeatureID: Instant] = [:]
    private var lookedAt: [FeatureID: Instant] = [:]
    private var quiet = 0
    private var wasQuiet = true

    /// When something is to be looked at; nil while idle.
    var nextMoment: Instant? { (due.values + [next].compactMap(\.self)).min() }

    /// The kernel says that a feature waits.
    mutating func sign(of feature: FeatureID, now: Instant) {
        let soonest = lookedAt[feature].map { max(now, $0 + LookRhythm.shortest) } ?? now
        due[feature] = due[feature] ?? soonest
        begin(soonest + LookRhythm.second)
    }

    /// Somebody waits, and it is not known who.
    mutating func signOfSomebody(now: Instant) {
        let soonest = lookedAt.values.max().map { max(now, $0 + LookRhythm.shortest) } ?? now
        begin(soonest)
    }

    private mutating func begin(_ moment: Instant) {
        quiet = 0
        guard !isActive else { return }
        isActive = true
        next = moment
    }

    /// Which of `features` are to be looked at now.
    func due(of features: [FeatureID], now: Instant) -> [FeatureID] {
        if let next, next <= now {
            // One that was looked at just now says little about so short a time.
            return features.filter { feature in
                lookedAt[feature].map { now - $0 >= LookRhythm.shortest } ?? true
            }
        }
        return features.filter { feature in due[feature].map { $0 <= now } ?? false }
    }

    /// These were looked at.
    ///
    /// - Parameters:
    ///   - isQuiet: nothing much went on in any of them.
    ///   - took: how much CPU time looking took.
    ///   - every: the time between regular looks while active.
    mutating func looked(
        at features: [FeatureID], isQuiet: Bool, took: Duration, every: Duration, now: Instant
    ) {
        for feature in features {
            due[feature] = nil
            lookedAt[feature] = now
        }
        if !isQuiet { begin(now + every) }
        let hasJustBegun = wasQuiet && !isQuiet
        wasQuiet = isQuiet
        if hasJustBegun {
            next = now + LookRhythm.second
            quiet = 0
            return
        }
        guard let next, next <= now else { return }
        quiet = isQuiet ? quiet + 1 : 0
        isActive = quiet < LookRhythm.quietLooks
        self.next = isActive ? now + max(every, took * LookRhythm.share) : nil
    }

    /// A feature that is not there any more.
    mutating func forget(_ feature: FeatureID) {
        due[feature] = nil
        lookedAt[feature] = nil
    }
}

import PoiseLinux
import PoiseModel

/// Harm that is being done on purpose, and what undoes it.
struct ChaosBook {
    /// One fault that lasts.
    struct Active {
        var number: Int
        var injection: ChaosInjection
        var began: Instant
        var ends: Instant
        /// What was done, for people.
        var how: String
        /// The process that burns, hogs or writes.
        var strain: ChildProcess?
        /// The disk that `io.max` slows down.
        var disk: String?
        /// Messages dropped or held back, or writes refused, so far.
        var count = 0
    }

    /// A datagram that is held back.
    struct Held {
        var feature: FeatureID
        var due: Instant
        var bytes: [UInt8]
    }

    /// As many faults at one time, and as many datagrams held back, as one may want.
    static let mostEntries = 64
    static let mostHeld = 4096

    private(set) var entries: [Active] = []
    private(set) var held: [Held] = []
    /// Faults injected so far, those that are over too.
    private(set) var injected = 0
    /// How far the wall clock has jumped.
    var clockOffset = Duration.zero

    /// When something is to be looked at by itself.
    var nextDue: Instant? {
        (entries.map(\.ends) + held.prefix(1).map(\.due)).min()
    }

    /// The fault of this kind that is being done to a feature, or to all.
    func entry(_ fault: ChaosFault, _ feature: FeatureID?) -> Active? {
        entries.first { $0.injection.fault == fault && $0.injection.feature == feature }
    }

    mutating func add(_ entry: Active) { entries.append(entry) }

    mutating func nextNumber() -> Int {
        injected += 1
        return injected
    }

    /// Takes out those that hold.
    mutating func remove(where isOver: (Active) -> Bool) -> [Active] {
        let over = entries.filter(isOver)
        entries.removeAll(where: isOver)
        return over
    }

    mutating func count(_ number: Int) {
        guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
        entries[index].count += 1
    }

    /// Holds a datagram back; false when there is no room for it.
    mutating func hold(_ bytes: [UInt8], of feature: FeatureID, until due: Instant) -> Bool {
        guard held.count < ChaosBook.mostHeld else { return false }
        // In the order of their moments, and those of one moment as they came.
        let place = held.lastIndex { $0.due <= due }.map { $0 + 1 } ?? 0
        held.insert(Held(feature: feature, due: due, bytes: bytes), at: place)
        return true
    }

    /// Takes out what is due, or all of a feature.
    mutating func release(_ isDue: (Held) -> Bool) -> [Held] {
        let due = held.filter(isDue)
        held.removeAll(where: isDue)
        return due
    }
}

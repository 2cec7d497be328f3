import PoiseModel

/// When a setting is written in the course of a transition; in this order.
enum TransitionStage: Int, CaseIterable {
    /// A limit grows or goes, an idle group wakes, a partition is dissolved.
    case loosen
    /// A protection of memory gets smaller.
    case release
    /// What neither loosens nor tightens.
    case turn
    /// A protection of memory grows: all that shrink have done so.
    case protect
    /// A group is made, with all that is its own but CPUs.
    case make
    /// (Here the CPUs move.) A limit shrinks, a group becomes idle or a partition.
    case tighten
    /// A limit of memory shrinks: after all that takes load away.
    case squeeze

    var isBeforeCPUs: Bool { rawValue <= TransitionStage.make.rawValue }
}

/// All settings but `cpuset.cpus` that a transition changes, by the stage that they belong to.
struct SettingChanges {
    private var stages: [[ControlStep]] = TransitionStage.allCases.map { _ in [] }

    /// The steps of the stages before or after the CPUs move.
    func steps(before: Bool) -> [ControlStep] {
        TransitionStage.allCases.filter { $0.isBeforeCPUs == before }
            .flatMap { stages[$0.rawValue] }
    }

    /// Adds what differs for a group that there is. Features come in the order of their names.
    mutating func add(
        _ feature: FeatureID, from before: ControlGroup, to after: ControlGroup, isStuck: Bool
    ) {
        var found: [(stage: TransitionStage, key: ControlKey, step: ControlStep)] = []
        for (key, value) in after.values where key.file != .cpusetCPUs {
            if isStuck, key.file == .cpuMax || key.file == .cpusetPartition { continue }
            guard let was = previous(of: key, before, after), was != value else { continue }
            let stage = Setting.stage(of: key.file, from: was, to: value)
            found.append((stage, key, .write(feature, key, value: value, was: was)))
        }
        for change in found.sorted(by: {
            (Setting.rank($0.key.file, in: $0.stage), $0.key)
                < (Setting.rank($1.key.file, in: $1.stage), $1.key)
        }) {
            stages[change.stage.rawValue].append(change.step)
        }
    }

    /// Adds a group that there is not, with all that differs from what the kernel gives it.
    mutating func addNew(_ feature: FeatureID, _ group: ControlGroup) {
        let fresh = SettingChanges(feature, group)
        stages[TransitionStage.make.rawValue].append(.make(feature))
        for stage in TransitionStage.allCases {
            // Nobody is in it yet, so that its limits may be set at once. A partition needs CPUs.
            for step in fresh.stages[stage.rawValue] {
                let place = Setting.isPartition(step) ? TransitionStage.tighten : .make
                stages[place.rawValue].append(step)
            }
        }
    }

    init() {}

    private init(_ feature: FeatureID, _ group: ControlGroup) {
        add(feature, from: ControlGroup(), to: group, isStuck: false)
    }

    /// What a key holds when its turn comes, or nil when it cannot be written then.
    private func previous(
        of key: ControlKey, _ before: ControlGroup, _ after: ControlGroup
    ) -> String? {
        let was = before.values[key] ?? key.file.standard
        guard key.file == .cpuWeight else { return was }
        // The kernel refuses a weight while cpu.idle is 1, and gives the standard when that ends.
        let idle = ControlKey(.cpuIdle)
        let wasIdle = before.values[idle] == "1"
        if (after.values[idle] ?? before.values[idle]) == "1" { return nil }
        return wasIdle ? key.file.standard : was
    }
}

/// What is known of the single settings.
enum Setting {
    static func isPartition(_ step: ControlStep) -> Bool {
        if case .write(_, let key, _, _) = step { return key.file == .cpusetPartition }
        return false
    }

    static func stage(of file: ControlFile, from was: String, to value: String) -> TransitionStage {
        switch file {
        case .cpusetCPUs, .cpusetMems, .cpuWeight, .ioWeight: return .turn
        case .cpusetPartition: return value == file.standard ? .loosen : .tighten
        case .cpuIdle: return value == "0" ? .loosen : .tighten
        case .memoryMin, .memoryLow:
            return isLooser(value, than: was, in: file) ? .protect : .release
        case .memoryHigh, .memoryMax, .memorySwapMax:
            return isLooser(value, than: was, in: file) ? .loosen : .squeeze
        case .cpuMax, .ioMax, .pidsMax, .hugetlb2MBMax, .hugetlb1GBMax:
            return isLooser(value, than: was, in: file) ? .loosen : .tighten
        }
    }

    /// The order within one group and stage: `memory.max` is never below `memory.high`, and
    /// protection never above either or out of order.
    static func rank(_ file: ControlFile, in stage: TransitionStage) -> Int {
        switch (stage, file) {
        case (.loosen, .memoryMax), (.protect, .memoryLow): -1
        default: 0
        }
    }

    /// Whether the value allows as much or more in every respect.
    static func isLooser(_ value: String, than was: String, in file: ControlFile) -> Bool {
        switch file {
        case .cpuMax: return share(value) >= share(was)
        case .ioMax:
            let before = rates(was)
            return rates(value).allSatisfy { $0.value >= before[$0.key] ?? .infinity }
        default: return amount(value) >= amount(was)
        }
    }

    /// A number, or `max`, which is without end; so is what is no number.
    static func amount(_ text: some StringProtocol) -> Double { Double(text) ?? .infinity }

    /// `QUOTA PERIOD` as a number of CPUs.
    private static func share(_ text: String) -> Double {
        let words = text.split(separator: " ")
        guard let quota = words.first else { return .infinity }
        return amount(quota) / (words.count > 1 ? amount(words[1]) : 100_000)
    }

    /// `rbps=max wbps=1048576`.
    private static func rates(_ text: String) -> [Substring: Double] {
        var rates: [Substring: Double] = [:]
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=")
            if parts.count == 2 { rates[parts[0]] = amount(parts[1]) }
        }
        return rates
    }
}

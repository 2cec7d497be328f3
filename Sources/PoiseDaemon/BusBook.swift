import PoiseModel
import PoiseWire

/// Which host has which end of which link, and what each is to be told next.
///
/// What is wanted is compared with what was told, so that nothing is lost when a host's socket has
/// no room: the difference is still there the next time.
struct BusBook {
    /// One end of a link at a host.
    struct Held: Equatable {
        /// As the host was told it; nil when an earlier daemon may have told it something.
        var attachment: BusAttachment?
        /// It was told to leave and has not said that it has.
        var isLeaving = false
        /// So many times it will say that it has left what it had of this link before.
        var stale = 0
    }

    enum Step: Equatable {
        case attach(BusAttachment)
        /// The link was made anew: what the host has of it is of no use, and it gets other files.
        case replace(BusAttachment)
        case routes(BusTable)
        case detach(link: String)

        /// The orders that tell it.
        var orders: [HostOrder] {
            switch self {
            case .attach(let attachment): [.busAttach(attachment)]
            case .replace(let attachment):
                [.busDetach(link: attachment.link), .busAttach(attachment)]
            case .routes(let table): [.busRoutes(table)]
            case .detach(let link): [.busDetach(link: link)]
            }
        }
    }

    /// By host, then by link.
    private(set) var held: [FeatureID: [String: Held]] = [:]
    private var told: [FeatureID: [BusTable.Row]] = [:]
    private var generation = 0
    /// Goes up with each change.
    private(set) var changes = 0

    var isEmpty: Bool { held.isEmpty && told.isEmpty }

    /// What a host is to be told next, in this order: links first, where to send then, and last
    /// what to leave, so that no table names a link that is not there.
    ///
    /// - Parameters:
    ///   - wanted: the ends it is to have.
    ///   - rows: where it is to send.
    func steps(
        for feature: FeatureID, wanted: [BusAttachment], rows: [BusTable.Row]
    ) -> [Step] {
        let has = held[feature] ?? [:]
        var steps: [Step] = []
        var leaves = Set(has.keys).subtracting(wanted.map(\.link))
        for attachment in wanted {
            guard let end = has[attachment.link] else {
                if isFree(attachment, for: feature) { steps.append(.attach(attachment)) }
                continue
            }
            guard !end.isLeaving, end.attachment != attachment else { continue }
            if let old = end.attachment, old.incarnation != attachment.incarnation {
                steps.append(.replace(attachment))
            } else {
                // Two writers of one ring, or two readers, must never be: the first one leaves.
                leaves.insert(attachment.link)
            }
        }
        if (told[feature] ?? []) != rows {
            steps.append(.routes(BusTable(generation: generation + 1, rows: rows)))
        }
        for link in leaves.sorted() where has[link]?.isLeaving == false {
            steps.append(.detach(link: link))
        }
        return steps
    }

    /// Whether a host can be given an end now: nobody else has it.
    private func isFree(_ end: BusAttachment, for feature: FeatureID) -> Bool {
        guard end.role == .producer else { return !hasReader(end.link, beside: feature) }
        guard let index = end.producerIndex else { return true }
        return !held.contains { other, ends in
            guard other != feature, let held = ends[end.link] else { return false }
            guard let attachment = held.attachment else { return true }
            // A number has one writer at a time, and a reader knows its writers' names.
            return attachment.role == .producer
                ? attachment.producerIndex == index
                : !held.isLeaving && !attachment.writers.contains { $0.index == index }
        }
    }

    /// The numbers under which hosts write into a shared ring; nil when one may have any number.
    func writers(of link: String) -> Set<Int>? {
        var numbers: Set<Int> = []
        for ends in held.values {
            guard let end = ends[link] else { continue }
            guard let attachment = end.attachment else { return nil }
            if let index = attachment.producerIndex { numbers.insert(index) }
        }
        return numbers
    }

    /// A link has one reader at a time: the next one waits until the last one has left it.
    private func hasReader(_ link: String, beside feature: FeatureID) -> Bool {
        held.contains { other, ends in
            guard other != feature, let end = ends[link] else { return false }
            return end.attachment?.role != .producer
        }
    }

    /// Whether a host may still write into a link.
    func hasWriter(_ link: String) -> Bool {
        held.values.contains { ends in
            guard let end = ends[link] else { return false }
            return end.attachment?.role != .consumer
        }
    }

    /// Whether anybody has an end of a link.
    func hasHolder(_ link: String) -> Bool { held.values.contains { $0[link] != nil } }

    /// A step was told to a host.
    mutating func note(_ step: Step, to feature: FeatureID) {
        changes += 1
        switch step {
        case .attach(let attachment):
            held[feature, default: [:]][attachment.link] = Held(attachment: attachment)
        case .replace(let attachment):
            let stale = held[feature]?[attachment.link]?.stale ?? 0
            held[feature, default: [:]][attachment.link] = Held(
                attachment: attachment, stale: stale + 1)
        case .routes(let table):
            told[feature] = table.rows
            generation = table.generation
        case .detach(let link): held[feature]?[link]?.isLeaving = true
        }
    }

    /// A host says that it has left a link.
    mutating func left(_ link: String, by feature: FeatureID) {
        guard let end = held[feature]?[link] else { return }
        changes += 1
        if end.stale > 0 {
            held[feature]?[link]?.stale -= 1
        } else {
            // Told to by us, or by a daemon before us.
            held[feature]?[link] = nil
            if held[feature]?.isEmpty == true { held[feature] = nil }
        }
    }

    /// A process has ended, and holds nothing any more.
    mutating func ended(_ feature: FeatureID) {
        guard held[feature] != nil || told[feature] != nil else { return }
        changes += 1
        held[feature] = nil
        told[feature] = nil
    }

    /// A host that an earlier daemon has started has these ends, as far as is known.
    mutating func found(_ feature: FeatureID, _ ends: [String: Held]) {
        guard !ends.isEmpty else { return }
        held[feature] = ends
    }
}

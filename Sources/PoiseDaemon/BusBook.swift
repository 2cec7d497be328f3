import PoiseModel
import PoiseWire

/// Which host has which end of which link, and what each is to be told next.
///
/// What is wanted is compared with what was told, so that nothing is lost when a host's socket has
/// no room: the difference is still there the next time.
struct BusBook {
    /// One end of a link at a host.
    struct Held: Equatable {
        /// As the host was told it; nil when an earlier daemon told it something.
        var attachment: BusAttachment?
        /// It was told to leave and has not said that it has.
        var isLeaving = false
    }

    enum Step: Equatable {
        case attach(BusAttachment)
        case routes(BusTable)
        case detach(link: String)

        var order: HostOrder {
            switch self {
            case .attach(let attachment): .busAttach(attachment)
            case .routes(let table): .busRoutes(table)
            case .detach(let link): .busDetach(link: link)
            }
        }
    }

    /// By host, then by link.
    private(set) var held: [FeatureID: [String: Held]] = [:]
    private var told: [FeatureID: [BusTable.Row]] = [:]
    private var generation = 0

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
        for attachment in wanted {
            let end = has[attachment.link]
            // Told again in place: it only learns what is other, or takes the new files.
            guard end?.attachment != attachment, end?.isLeaving != true else { continue }
            guard
                attachment.role == .producer || !hasReader(attachment.link, beside: feature)
            else { continue }
            steps.append(.attach(attachment))
        }
        if told[feature] ?? (has.isEmpty ? [] : nil) != rows {
            steps.append(.routes(BusTable(generation: generation + 1, rows: rows)))
        }
        let names = Set(wanted.map(\.link))
        for (link, end) in has.sorted(by: { $0.key < $1.key })
        where !names.contains(link) && !end.isLeaving {
            steps.append(.detach(link: link))
        }
        return steps
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

    /// Who has an end of a link.
    func holders(of link: String) -> [FeatureID] {
        held.filter { $0.value[link] != nil }.keys.sorted()
    }

    /// A step was told to a host.
    mutating func note(_ step: Step, to feature: FeatureID) {
        switch step {
        case .attach(let attachment):
            held[feature, default: [:]][attachment.link] = Held(attachment: attachment)
        case .routes(let table):
            told[feature] = table.rows
            generation = table.generation
        case .detach(let link):
            // One of whom it is not known whether it was there may have nothing to say.
            if held[feature]?[link]?.attachment == nil {
                forget(link, at: feature)
            } else {
                held[feature]?[link]?.isLeaving = true
            }
        }
    }

    /// A host says that it has left a link; true when it was told to.
    mutating func left(_ link: String, by feature: FeatureID) -> Bool {
        guard held[feature]?[link]?.isLeaving == true else { return false }
        forget(link, at: feature)
        return true
    }

    private mutating func forget(_ link: String, at feature: FeatureID) {
        held[feature]?[link] = nil
        if held[feature]?.isEmpty == true { held[feature] = nil }
    }

    /// A process has ended, and holds nothing any more.
    mutating func ended(_ feature: FeatureID) {
        held[feature] = nil
        told[feature] = nil
    }

    /// An earlier daemon has told a host that still runs of these links, as far as is known.
    mutating func found(_ feature: FeatureID, links: [String]) {
        for link in links { held[feature, default: [:]][link] = Held(attachment: nil) }
    }
}

import PoiseModel

/// Who speaks to whom by the routes of a policy, before it is said what is wrong with that.
struct BusRoads {
    struct Road {
        let draft: RouteDraft
        /// In the order of their names.
        let senders: [FeatureID]
        let receivers: [FeatureID]
        private let sendingOnes: Set<FeatureID>
        private let receivingOnes: Set<FeatureID>

        init(draft: RouteDraft, senders: [FeatureID], receivers: [FeatureID]) {
            self.draft = draft
            self.senders = senders
            self.receivers = receivers
            sendingOnes = Set(senders)
            receivingOnes = Set(receivers)
        }

        /// How many pairs of a sender and another receiver there are.
        var pairs: Int {
            senders.count * receivers.count - senders.count(where: receivingOnes.contains)
        }

        /// How many rings that makes; who is alone on a shared ring has none.
        var links: Int {
            guard draft.route.isShared else { return pairs }
            return receivers.count { receiver in senders.contains { $0 != receiver } }
        }

        func receivers(from sender: FeatureID) -> Int {
            guard sendingOnes.contains(sender) else { return 0 }
            return receivers.count - (receivingOnes.contains(sender) ? 1 : 0)
        }

        /// The first two of whom both routes bring messages from one to the other.
        func pair(alsoIn other: Road) -> (sender: FeatureID, receiver: FeatureID)? {
            let common = receivers.filter(other.receivingOnes.contains)
            guard !common.isEmpty else { return nil }
            for sender in senders where other.sendingOnes.contains(sender) {
                if let receiver = common.first(where: { $0 != sender }) {
                    return (sender, receiver)
                }
            }
            return nil
        }
    }

    /// In the order of the file.
    let roads: [Road]

    /// - Parameter plugins: all of them, in the order of their names.
    init(drafts: [RouteDraft], plugins: [FeatureID]) {
        roads = drafts.map { draft in
            Road(
                draft: draft, senders: draft.from.isEmpty ? plugins : draft.route.from,
                receivers: draft.to.isEmpty ? plugins : draft.route.to)
        }
    }

    var links: Int { roads.reduce(0) { $0 + $1.links } }

    /// The most bytes of the text that tells each sender's host where it sends: with a canary
    /// beside each receiver.
    var tableBytes: [FeatureID: Int] {
        let mark = ".canary".utf8.count
        var bytes: [FeatureID: Int] = [:]
        for road in roads {
            let route = road.draft.route
            let name = route.name.utf8.count
            let head = 96 + name + route.topics.reduce(0) { $0 + $1.utf8.count + 3 }
            let ends = road.receivers.reduce(0) { $0 + 2 * $1.name.utf8.count }
            for sender in road.senders {
                let count = road.receivers(from: sender)
                guard count > 0 else { continue }
                // A link's name twice a receiver, with what JSON has around it.
                let links = 2 * count * (name + sender.name.utf8.count + 2 * mark + 32)
                bytes[sender, default: 128] += head + ends + links
            }
        }
        return bytes
    }
}

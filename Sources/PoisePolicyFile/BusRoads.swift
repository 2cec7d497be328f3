import PoiseModel

/// Who speaks to whom by the routes of a policy, before it is said what is wrong with that.
struct BusRoads {
    struct Road {
        let draft: RouteDraft
        /// In the order of their names.
        let senders: [FeatureID]
        let receivers: [FeatureID]

        /// How many pairs of a sender and another receiver there are.
        var pairs: Int {
            senders.count * receivers.count - Set(senders).intersection(receivers).count
        }

        /// How many rings that makes; who is alone on a shared ring has none.
        var links: Int {
            guard draft.route.isShared else { return pairs }
            return receivers.count { receiver in senders.contains { $0 != receiver } }
        }

        func receivers(from sender: FeatureID) -> Int {
            senders.contains(sender) ? receivers.count { $0 != sender } : 0
        }

        /// The first two of whom both routes bring messages from one to the other.
        func pair(alsoIn other: Road) -> (sender: FeatureID, receiver: FeatureID)? {
            let theirs = (senders: Set(other.senders), receivers: Set(other.receivers))
            let common = receivers.filter(theirs.receivers.contains)
            for sender in senders where theirs.senders.contains(sender) {
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

    var senders: [FeatureID] { Set(roads.flatMap(\.senders)).sorted() }

    /// The most bytes of the text that tells a sender's host where it sends: with a canary beside
    /// each receiver.
    func tableBytes(of sender: FeatureID) -> Int {
        let mark = ".canary".utf8.count
        var bytes = 128
        for road in roads where road.receivers(from: sender) > 0 {
            let name = road.draft.route.name.utf8.count
            bytes += 96 + name + road.draft.route.topics.reduce(0) { $0 + $1.utf8.count + 3 }
            for receiver in road.receivers where receiver != sender {
                let link = name + sender.name.utf8.count + receiver.name.utf8.count + 2 + 2 * mark
                bytes += 2 * (link + 28) + 4
            }
        }
        return bytes
    }
}

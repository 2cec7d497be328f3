import PoiseModel

// What is wrong between routes that are each as they should be.
extension PolicyDecoder {
    /// Tells of topics that messages could not tell apart.
    mutating func settleTopics(of drafts: [RouteDraft]) {
        var names: [UInt32: String] = [:]
        for topic in drafts.flatMap(\.topics) {
            let number = BusTopic.number(topic.text)
            guard let other = names[number] else {
                names[number] = topic.text
                continue
            }
            guard other != topic.text else { continue }
            mistakes.error(
                topic.field.mark,
                "\(topic.field.path): the topics \(quoted(topic.text)) and \(quoted(other)) have "
                    + "the same number on the bus (give one another name)")
        }
    }

    mutating func settle(_ roads: BusRoads, _ routes: Field) {
        let errorsBefore = mistakes.errorCount
        for road in roads.roads { settle(road) }
        if roads.links > PolicyLimit.links {
            mistakes.error(
                routes.mark,
                "\(routes.path) make \(roads.links) rings (at most \(PolicyLimit.links); name who "
                    + "sends and who receives, or let senders share a ring with producers: many)")
        }
        // What is too much is not looked at any closer: that would take long.
        guard mistakes.errorCount == errorsBefore else { return }
        for (sender, bytes) in roads.tableBytes where bytes > PolicyLimit.tableBytes {
            mistakes.error(
                routes.mark,
                "\(routes.path): \(sender) has more topics and receivers than its host can be told "
                    + "(\(bytes) bytes, at most \(PolicyLimit.tableBytes); name fewer, or shorten "
                    + "their names)")
        }
        settleDoubles(roads)
    }

    /// Tells of routes without anybody at one end.
    private mutating func settle(_ road: BusRoads.Road) {
        let field = road.draft.field
        if road.pairs == 0 {
            mistakes.warning(
                field.keyMark,
                "\(field.path) leads nowhere: there is no plugin for it but the sender (name "
                    + "another in 'to', or leave the route out)")
            return
        }
        for name in road.draft.from {
            guard let id = FeatureID(name.text), road.receivers(from: id) == 0 else { continue }
            mistakes.warning(
                name.field.mark,
                "\(name.field.path): \(id) has nobody to send to here but itself")
        }
        guard road.draft.route.isShared, road.senders.count > BusRoute.mostSharing else {
            return
        }
        mistakes.error(
            field.keyMark,
            "\(field.path): \(road.senders.count) senders are too many for one ring (at most "
                + "\(BusRoute.mostSharing); name fewer in 'from', or write producers: one)")
    }

    /// Tells of messages that would come twice.
    private mutating func settleDoubles(_ roads: BusRoads) {
        var ways: [String: [Int]] = [:]
        for (index, road) in roads.roads.enumerated() {
            // Routes may have many topics in common; whether they have two ends is looked up once.
            var pairs: [Int: (sender: FeatureID, receiver: FeatureID)?] = [:]
            for topic in road.draft.topics {
                for earlier in ways[topic.text] ?? [] {
                    let other = roads.roads[earlier]
                    let known = pairs[earlier] ?? other.pair(alsoIn: road)
                    pairs[earlier] = .some(known)
                    guard let known else { continue }
                    mistakes.error(
                        topic.field.mark,
                        "\(topic.field.path): \(quoted(topic.text)) goes from \(known.sender) to "
                            + "\(known.receiver) by the route \(other.draft.route.name) too, so "
                            + "that it would come twice (leave it out of one of them)")
                    break
                }
                ways[topic.text, default: []].append(index)
            }
        }
    }
}

import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// The bus between features: which links there are, who has their ends, and where each sends.
extension Daemon {
    private static let retry = Duration.milliseconds(5)

    /// Makes the bus as it is to be now, as far as hosts take it.
    func settleLinks() {
        let now = MonotonicClock.now
        if featureBus.due.map({ $0 <= now }) ?? false { featureBus.isDirty = true }
        guard featureBus.isDirty else { return }
        featureBus.isDirty = false
        featureBus.due = nil
        guard !featureBus.isIdle(engine.given.bus) else { return }
        let planBefore = featureBus.plan
        planLinks()
        if featureBus.plan != planBefore { featureBus.drainPause = FeatureBus.shortestPause }
        makeLinks()
        rebuildDamaged(now)
        abandonWriters()
        let before = featureBus.book.changes
        let wantsMore = tellHosts()
        leaveBus(hasChanged: featureBus.book.changes != before)
        var moments = Array(featureBus.damaged.values)
        if wantsMore { moments.append(now + Daemon.retry) }
        if featureBus.plan.links.contains(where: \.isDraining) {
            moments.append(now + featureBus.drainPause)
            featureBus.drainPause = min(
                featureBus.drainPause * 2, FeatureBus.longestPause)
        }
        featureBus.due = moments.min()
    }

    /// Asks the engine, which is to know of the links that must not go yet.
    private func planLinks() {
        let bus = featureBus
        let names = Set(bus.existing.map(\.name))
        var plan = engine.busPlan(existing: bus.existing, holding: names)
        if !names.isEmpty {
            let free = engine.busPlan(existing: bus.existing, holding: [])
            // Only where it matters whether a link is empty its memory is looked at.
            let doubtful = plan.links.filter { link in
                names.contains(link.name) && free[link: link.name]?.hasRing(of: link) != true
            }
            let holding = names.subtracting(doubtful.map(\.name).filter { !isHolding($0) })
            if holding != names { plan = engine.busPlan(existing: bus.existing, holding: holding) }
        }
        bus.plan = plan
    }

    /// Whether messages lie in a link, or somebody may still write some; what cannot be told is
    /// taken for yes.
    private func isHolding(_ name: String) -> Bool {
        guard let link = featureBus.store.links[name] else { return false }
        if featureBus.book.hasWriter(name) { return true }
        return counters(of: link)?.isEmpty != true
    }

    /// What the two sides of a link have counted; nil when its memory cannot be read.
    func counters(of link: BusStore.Link) -> LinkCounters? {
        do throws(BusError) {
            return try LinkObserver(
                producer: link.producer.number, consumer: link.consumer.number,
                layout: link.layout, isShared: link.isShared
            ).counters()
        } catch {
            return nil
        }
    }

    /// Makes files for links that have none, others for those whose ring is to be another, and
    /// gives up those that nobody wants.
    private func makeLinks() {
        let bus = featureBus
        let before = Dictionary(bus.existing.map { ($0.name, $0) }) { first, _ in first }
        var made: [BusLink] = []
        for link in bus.plan.links {
            do throws(BusError) {
                if let old = before[link.name], bus.store.links[link.name] != nil,
                    !link.hasRing(of: old)
                {
                    bus.store.drop(link: link.name)
                }
                _ = try bus.store.link(link.name, ringBytes: link.ringBytes, node: link.node)
                made.append(link)
            } catch {
                sayOnce(nil, "the link \(link.name) cannot be made: \(error)")
            }
        }
        let wanted = Set(made.map(\.name))
        for (name, link) in bus.store.links.sorted(by: { $0.key < $1.key })
        where !wanted.contains(name) && !bus.book.hasHolder(name) {
            sayLost(link)
            bus.store.drop(link: name)
        }
        bus.existing = made
        makeArenas()
    }

    private func makeArenas() {
        let bus = featureBus
        let bytes = engine.given.bus.arenaBytes
        let owners = bytes > 0 ? bus.plan.arenas.map(\.owner) : []
        for owner in owners {
            do throws(BusError) {
                _ = try bus.store.arena(owner, bytes: bytes)
            } catch {
                sayOnce(owner, "its arena cannot be made: \(error)")
            }
        }
        for owner in bus.store.arenas.keys.sorted() where !owners.contains(owner) {
            bus.store.drop(arena: owner)
        }
    }

    /// What goes with a link that is given up.
    private func sayLost(_ link: BusStore.Link) {
        guard let counters = counters(of: link), counters.isEmpty != true else { return }
        say("bus", nil, "\(link.name) is given up with \(Daemon.words(unread: counters))")
    }

    static func words(unread counters: LinkCounters?) -> String {
        guard let depth = counters?.depth else { return "an unknown number of unread messages" }
        return depth == 1 ? "1 unread message" : "\(depth) unread messages"
    }

    /// Tells each host what is new for it; true when one of them has no room for it now.
    private func tellHosts() -> Bool {
        var isBehind = false
        for feature in processes.keys.sorted() {
            guard let process = processes[feature], process.channel != nil else { continue }
            let steps = featureBus.book.steps(
                for: feature, wanted: wantedEnds(of: feature),
                rows: featureBus.plan.table(of: feature).wire)
            for step in steps where !tell(process, step) {
                isBehind = true
                break
            }
        }
        return isBehind
    }

    /// False when it has to be tried again.
    private func tell(_ process: FeatureProcess, _ step: BusBook.Step) -> Bool {
        let feature = process.feature
        do throws(BusError) {
            for order in step.orders {
                var descriptors: [FileDescriptor] = []
                if case .busAttach(let end) = order {
                    descriptors = try files(for: end, at: feature)
                }
                switch process.send(order, with: descriptors) {
                case .sent: break
                // To leave what one has left is nothing new, so all of them are told again.
                case .later: return false
                case .never:
                    // A host that is gone is noted by its process; else it is too long to be told.
                    if process.handle.isAlive {
                        sayOnce(feature, "cannot be told of the bus: the order is too long")
                    }
                    return true
                }
            }
            featureBus.book.note(step, to: feature)
        } catch {
            sayOnce(feature, "cannot be given its end of a link: \(error)")
        }
        return true
    }

    func sayOnce(_ feature: FeatureID?, _ text: String) {
        guard featureBus.refused.insert("\(feature?.name ?? "") \(text)").inserted else { return }
        if featureBus.refused.count > 256 { featureBus.refused = [] }
        say("degraded", feature, text)
    }
}

extension BusPlan.Table {
    /// As a host is told it.
    var wire: [BusTable.Row] {
        rows.map { row in
            BusTable.Row(
                route: row.route, topics: row.topics,
                members: row.members.map { member in
                    member.map { BusTable.Destination(link: $0.link, share: $0.share) }
                }, delivery: row.delivery)
        }
    }
}

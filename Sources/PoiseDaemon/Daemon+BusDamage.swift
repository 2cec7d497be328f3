import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Memory of the bus in which somebody wrote what cannot be.
extension Daemon {
    /// How often a host's word counts against the other side when nobody else can see the damage:
    /// one that lies must not open another's breaker.
    private static let belief = Duration.seconds(30)

    /// A link is made anew no more often than this: who lies all the time keeps nobody busy.
    private static let rebuildPause = Duration.seconds(1)

    /// A host found what cannot be in the memory of a link: its feature or the one at the other end
    /// has failed, and both get new files.
    func takeDamage(_ name: String, byPeer: Bool, _ text: String, from process: FeatureProcess) {
        let reporter = process.feature
        // What it says before it has the files of now is of those before.
        guard let end = featureBus.book.held[reporter]?[name], end.stale == 0,
            let attachment = end.attachment, let link = featureBus.store.links[name],
            attachment.incarnation == link.incarnation, featureBus.damaged[name] == nil
        else { return }
        let seen = inspect(link)
        let own: BusError.Side = attachment.role == .producer ? .producer : .consumer
        let said: BusError.Side = byPeer ? own.other : own
        blame(seen?.side ?? said, in: name, seen?.text, text, by: attachment, of: reporter)
        say("bus", reporter, "\(name) is damaged: \(text)")
        let now = MonotonicClock.now
        let pause = featureBus.rebuiltAt[name].map { $0 + Daemon.rebuildPause } ?? now
        featureBus.damaged[name] = max(now, pause)
        featureBus.isDirty = true
    }

    /// Gives both sides of damaged links new files.
    func rebuildDamaged(_ now: Instant) {
        for (name, due) in featureBus.damaged.sorted(by: { $0.key < $1.key }) where due <= now {
            featureBus.damaged[name] = nil
            guard let link = featureBus.store.links[name] else { continue }
            let unread = Daemon.words(unread: inspect(link) == nil ? counters(of: link) : nil)
            do throws(BusError) {
                try featureBus.store.rebuild(name)
                featureBus.rebuiltAt[name] = now
                say("bus", nil, "\(name) is made anew, without \(unread)")
            } catch {
                featureBus.damaged[name] = now + Daemon.rebuildPause
                sayOnce(nil, "\(name) cannot be made anew: \(error)")
            }
        }
        let names = featureBus.store.links
        featureBus.rebuiltAt = featureBus.rebuiltAt.filter { names[$0.key] != nil }
    }

    private func inspect(_ link: BusStore.Link) -> (side: BusError.Side, text: String)? {
        do throws(BusError) {
            return try LinkInspection(
                producer: link.producer.number, consumer: link.consumer.number,
                layout: link.layout, isShared: link.isShared
            ).damage()
        } catch {
            return nil
        }
    }

    /// - Parameters:
    ///   - seen: what is wrong as the daemon itself sees it; nil when it sees nothing.
    ///   - text: what is wrong as the reporter says.
    private func blame(
        _ side: BusError.Side, in name: String, _ seen: String?, _ text: String,
        by attachment: BusAttachment, of reporter: FeatureID
    ) {
        let own: BusError.Side = attachment.role == .producer ? .producer : .consumer
        // Who writes into a shared ring may find there what another has written.
        let isOwn = side == own && (own == .consumer || !BusLink.isShared(name))
        guard let culprit = isOwn ? reporter : peer(of: name, side) else {
            return say("bus", reporter, "\(name): which of its producers did it is not known")
        }
        if let seen {
            let because = "wrote what cannot be into \(name): \(seen)"
            return inbox.post(.failed(culprit, .security, because: because))
        }
        let now = MonotonicClock.now
        if culprit != reporter {
            if let last = featureBus.believedAt[reporter], now - last < Daemon.belief { return }
            featureBus.believedAt[reporter] = now
        }
        let because = "wrote what cannot be into \(name), as \(reporter) says: \(text)"
        inbox.post(.failed(culprit, .failedHealthCheck, because: because))
    }

    /// Who has a side of a link; nil where several may have it.
    private func peer(of name: String, _ side: BusError.Side) -> FeatureID? {
        guard let link = featureBus.plan[link: name] else { return nil }
        switch side {
        case .consumer: return link.consumer
        case .producer: return link.producers.count == 1 ? link.producers.first?.feature : nil
        }
    }

    /// Where files of the bus are kept beyond the end of this process.
    static func busKeeper(_ service: SystemdService) -> BusStore.Keeper {
        BusStore.Keeper(
            keep: { (file, name) throws(SystemError) in try service.store(file, name: name) },
            forget: { (name) throws(SystemError) in _ = try service.forget(name: name) })
    }
}

extension BusError.Side {
    fileprivate var other: BusError.Side { self == .producer ? .consumer : .producer }
}

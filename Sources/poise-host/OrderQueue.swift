import PoiseWire
import Synchronization

/// Orders on their way to the plugin's thread.
///
/// Bounded by nature: while the plugin is busy a newer allocation takes the place of an older one,
/// one question of each kind waits, and nothing is worth doing any more when `stop` waits, except
/// to finish the drain.
final class OrderQueue: Sendable {
    private let orders = Mutex<[HostOrder]>([])
    private let doorbell = Doorbell(blocking: true)

    func put(_ order: HostOrder) {
        orders.withLock { orders in
            switch order {
            case .stop: orders.removeAll { !$0.isStartOrDrain }
            case .start, .busAttach, .busRoutes, .busDetach: break
            case .apply, .drain, .sample, .checkHealth, .serviceLevel, .shrink, .limit:
                guard !orders.contains(.stop) else { return }
                orders.removeAll { $0.isSameKind(as: order) }
            }
            guard !orders.contains(.stop) else { return }
            orders.append(order)
        }
        doorbell.ring()
    }

    /// Waits for the next order.
    func take() -> HostOrder {
        while true {
            let first = orders.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let first { return first }
            doorbell.wait()
        }
    }
}

extension HostOrder {
    fileprivate var isStartOrDrain: Bool {
        switch self {
        case .start, .drain: true
        case .apply, .stop, .sample, .checkHealth, .serviceLevel, .shrink, .limit, .busAttach,
            .busRoutes, .busDetach:
            false
        }
    }

    fileprivate func isSameKind(as other: HostOrder) -> Bool {
        switch (self, other) {
        case (.start, .start), (.apply, .apply), (.drain, .drain), (.stop, .stop),
            (.sample, .sample), (.checkHealth, .checkHealth), (.serviceLevel, .serviceLevel),
            (.shrink, .shrink), (.limit, .limit):
            true
        default: false
        }
    }
}

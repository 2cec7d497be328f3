public import PoiseModel
import Synchronization

/// What a plugin may ask of its host, from any thread.
///
/// Each call returns at once. What comes faster than the host lets through is dropped and counted;
/// of needs the newest of each class always gets through.
public final class Host: Sendable {
    /// One thing that a plugin told its host.
    public enum Call: Sendable, Equatable {
        /// A line of the log.
        case log(LogLevel, String, [String: String])
        /// Something that others may want to hear of.
        case event(String, [String: String])
        /// "I want this many millicores of this class in all, for that long."
        case need(millicores: Int, of: CoreClass, for: Duration)
    }

    /// The feature's name.
    public let feature: String
    /// A folder of the feature's own that it may write to.
    public let stateFolder: String
    /// Messages to and from other features.
    public let bus: Bus

    private let newest: Mutex<Allocation>
    private let tell: @Sendable (Call) -> Void

    /// A host for trying a plugin without `poise-host`: what the plugin says goes to `tell`, what
    /// it sends and receives to `bus`.
    public convenience init(
        feature: String, stateFolder: String, allocation: Allocation, bus: FakeBus? = nil,
        tell: @escaping @Sendable (Call) -> Void
    ) {
        self.init(
            feature: feature, stateFolder: stateFolder, allocation: allocation,
            bus: Bus(bus?.calls), tell: tell)
    }

    init(
        feature: String, stateFolder: String, allocation: Allocation, bus: Bus,
        tell: @escaping @Sendable (Call) -> Void
    ) {
        self.bus = bus
        self.feature = feature
        self.stateFolder = stateFolder
        self.tell = tell
        newest = Mutex(allocation)
    }

    /// The newest allocation.
    public var allocation: Allocation { newest.withLock { $0 } }

    /// Writes a line of the log.
    public func log(_ level: LogLevel, _ text: String, _ fields: [String: String] = [:]) {
        tell(.log(level, text, fields))
    }

    /// Tells of something that others may want to hear of.
    public func event(_ name: String, _ fields: [String: String] = [:]) {
        tell(.event(name, fields))
    }

    /// Asks for this many millicores of a class in all, for so long; 0 takes the need back.
    public func need(millicores: Int, of coreClass: CoreClass, for time: Duration) {
        tell(.need(millicores: millicores, of: coreClass, for: time))
    }

    func take(_ allocation: Allocation) { newest.withLock { $0 = allocation } }
}

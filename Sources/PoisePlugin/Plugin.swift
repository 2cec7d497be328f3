@_exported public import PoiseModel
@_exported public import PoiseWire

/// What the author of a plugin writes: one class, and under it the two functions that a library
/// exports.
///
/// ```swift
/// @c @implementation
/// public func poise_plugin_abi() -> UInt32 { PluginEntry<Words>.abi }
/// @c @implementation
/// public func poise_plugin_entry(_ hostABI: UInt32) -> PluginTable? {
///     PluginEntry<Words>.table(hostABI)
/// }
/// ```
///
/// The host makes all calls on one thread, one at a time, each with a deadline; a late answer
/// counts as a failure. Work is done on threads of the plugin's own, best those of a `WorkerPool`.
public protocol Plugin: AnyObject, Sendable {
    /// What the plugin calls itself.
    static var name: String { get }
    /// Its version.
    static var version: String { get }

    /// Checks the configuration and opens nothing slow.
    init(host: Host, config: JSON) throws(PluginError)

    /// Begins work on threads of its own and returns at once.
    func start() throws(PluginError)

    /// Takes up a new allocation; called before CPUs are taken away and after they were added.
    func apply(_ allocation: Allocation)

    /// The machine works at another level from now on: below `full`, shed what can wait. A plugin
    /// that its policy does not let run at that level is stopped two seconds later. Returns at
    /// once.
    func serviceLevel(_ level: ServiceLevel)

    /// Gives up so much memory, by dropping caches and shortening queues: it is over its budget,
    /// and a plugin that stays over it is ended.
    func shrink(by bytes: Int)

    /// Finishes what is under way and takes nothing new; returns when that is done or the time is
    /// over.
    func drain(within time: Duration)

    /// Ends all threads; the last call.
    func stop()

    /// How the plugin finds itself; good unless it says otherwise.
    var health: Health { get }

    /// What it knows of its load; nothing unless it says otherwise.
    func report() -> Report
}

extension Plugin {
    /// Works on as before.
    public func serviceLevel(_ level: ServiceLevel) {}

    /// Nothing to give up.
    public func shrink(by bytes: Int) {}

    /// Nothing to finish.
    public func drain(within time: Duration) {}

    /// All is well.
    public var health: Health { .good }

    /// Nothing is known.
    public func report() -> Report { Report() }
}

/// How a plugin finds itself.
public enum Health: Sendable, Hashable {
    /// All is well.
    case good
    /// Works with less than it should have, and what that is.
    case degraded(String)
    /// Does not do its work, and why; the host is started anew.
    case failing(String)
}

/// Why a plugin cannot be made or started.
public struct PluginError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What to do about it.
    public enum Kind: Sendable, Hashable {
        /// The configuration is wrong: never start again with it.
        case configuration
        /// Something outside failed: starting again may help.
        case environment
    }

    /// What to do about it.
    public let kind: Kind
    /// What failed on what: why (what to do).
    public let description: String

    /// The configuration is wrong; the feature is not started again until it changes.
    public static func configuration(_ text: String) -> PluginError {
        PluginError(kind: .configuration, description: text)
    }

    /// Something outside failed; the feature is started again, within its restart budget.
    public static func environment(_ text: String) -> PluginError {
        PluginError(kind: .environment, description: text)
    }
}

import PluginABI
import PoiseBus
import PoiseModel
import PoiseWire

/// The table that a plugin calls its host by.
///
/// Any thread of the plugin may call, also after the plugin was stopped; so neither the table nor
/// what stands behind it is ever freed.
enum HostCalls {
    /// What a plugin says; the texts are read only when somebody wants them.
    enum Kind {
        case log
        case event
        case need(HostChannelBudget.Need)
    }

    /// Takes what a plugin says, from any thread of it. The news are made at the call or never.
    typealias Hear = @Sendable (Kind, () -> HostNews) -> Void

    private final class Ear: Sendable {
        let hear: Hear
        let bus: BusEndpoint

        init(hear: @escaping Hear, bus: BusEndpoint) {
            self.hear = hear
            self.bus = bus
        }
    }

    private static let longestText = 2048
    private static let longestName = 64
    private static let longestValue = 256

    /// A table whose calls end in `hear`, and those of the bus in `bus`.
    static func table(
        bus: BusEndpoint, hear: @escaping Hear
    ) -> UnsafePointer<poise_host_functions> {
        let table = UnsafeMutablePointer<poise_host_functions>.allocate(capacity: 1)
        table.initialize(to: poise_host_functions())
        table.pointee.size = UInt32(MemoryLayout<poise_host_functions>.size)
        table.pointee.abi = PluginLibrary.ownABI
        table.pointee.context = Unmanaged.passRetained(Ear(hear: hear, bus: bus))
            .toOpaque()
        table.pointee.need = { HostCalls.need($0, $1, $2, $3) }
        table.pointee.log = { context, level, text, fields, count in
            guard let text else { return }
            let levels = HostNews.LogLevel.allCases
            HostCalls.hear(context, .log) {
                .log(
                    levels[min(Int(level), levels.count - 1)],
                    text: BorderText.read(text, longest: HostCalls.longestText),
                    fields: HostCalls.fields(fields, count))
            }
        }
        table.pointee.event = { context, name, fields, count in
            guard let name else { return }
            HostCalls.hear(context, .event) {
                .event(
                    name: BorderText.read(name, longest: HostCalls.longestName),
                    fields: HostCalls.fields(fields, count))
            }
        }
        BusCalls.fill(&table.pointee)
        return UnsafePointer(table)
    }

    /// What stands behind the functions of the bus.
    static func bus(_ context: UnsafeMutableRawPointer?) -> BusEndpoint? {
        guard let context else { return nil }
        return Unmanaged<Ear>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.bus }
    }

    private static func need(
        _ context: UnsafeMutableRawPointer?, _ rank: UInt32, _ millicores: UInt32,
        _ milliseconds: UInt64
    ) {
        guard let coreClass = CoreClass.allCases.first(where: { $0.rank == Int(rank) })
        else { return }
        let need = HostChannelBudget.Need(
            coreClass: coreClass, millicores: min(Int(millicores), 1 << 30),
            milliseconds: min(Int(clamping: milliseconds), 86_400_000), signalled: .now)
        hear(context, .need(need)) {
            .need(
                need.coreClass, millicores: need.millicores, milliseconds: need.milliseconds,
                signalled: need.signalled)
        }
    }

    private static func hear(
        _ context: UnsafeMutableRawPointer?, _ kind: Kind, _ make: () -> HostNews
    ) {
        guard let context else { return }
        Unmanaged<Ear>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.hear(kind, make) }
    }

    private static func fields(
        _ start: UnsafePointer<poise_field>?, _ count: UInt32
    ) -> [HostNews.Field] {
        guard let start else { return [] }
        var fields: [HostNews.Field] = []
        for index in 0..<min(Int(count), HostNews.mostFields) {
            guard let key = start[index].key, let value = start[index].value else { continue }
            let name = BorderText.read(key, longest: longestName)
            // Names come once: a reader of JSON refuses what has a key twice.
            guard !fields.contains(where: { $0.key == name }) else { continue }
            fields.append(HostNews.Field(name, BorderText.read(value, longest: longestValue)))
        }
        return fields
    }
}

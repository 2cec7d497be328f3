import PluginABI
import PoiseModel
import PoiseWire

/// The C functions behind a plugin's table: each turns C values into Swift ones and calls the
/// author's method.
enum PluginBorder {
    /// What `create` made: the first argument of every later call.
    private final class Instance: Sendable {
        let plugin: any Plugin
        let host: Host

        init(plugin: any Plugin, host: Host) {
            self.plugin = plugin
            self.host = host
        }
    }

    static func fill(_ table: inout poise_plugin_functions) {
        table.create = { PluginBorder.create($0, $1, $2, $3) }
        table.start = { raw, why in
            PluginBorder.attempt(why) { () throws(PluginError) in
                try PluginBorder.instance(raw).plugin.start()
            }
        }
        table.apply = { raw, allocation in
            guard let allocation else { return }
            let instance = PluginBorder.instance(raw)
            let new = Allocation(allocation.pointee)
            instance.host.take(new)
            instance.plugin.apply(new)
        }
        table.service_level = { raw, number in
            // Of a newer host there may be levels that this one cannot name.
            guard let level = ServiceLevel(border: number) else { return }
            PluginBorder.instance(raw).plugin.serviceLevel(level)
        }
        table.shrink = { raw, bytes in
            PluginBorder.instance(raw).plugin.shrink(by: Int(clamping: bytes))
        }
        table.drain = { raw, milliseconds in
            let time = Duration.milliseconds(Int64(clamping: milliseconds))
            PluginBorder.instance(raw).plugin.drain(within: time)
        }
        table.stop = { raw in
            guard let raw else { return }
            Unmanaged<Instance>.fromOpaque(raw).takeRetainedValue().plugin.stop()
        }
        table.healthy = { PluginBorder.healthy($0, $1) }
        table.sample = { raw, report in
            guard let report else { return }
            PluginBorder.instance(raw).plugin.report().write(to: &report.pointee)
        }
    }

    private static func create(
        _ context: UnsafeMutableRawPointer?, _ creation: UnsafePointer<poise_creation>?,
        _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        _ why: UnsafeMutablePointer<poise_text>?
    ) -> Int32 {
        guard let context, let creation, let result, let table = creation.pointee.host,
            let allocation = creation.pointee.allocation
        else { preconditionFailure("a host called create with a null argument") }
        let factory = Unmanaged<PluginFactory>.fromOpaque(context).takeUnretainedValue()
        let host = Host(
            feature: String(cString: creation.pointee.feature),
            stateFolder: String(cString: creation.pointee.state_folder),
            allocation: Allocation(allocation.pointee), bus: Bus(border: table),
            tell: HostTable.calls(table))
        return attempt(why) { () throws(PluginError) in
            let config = try config(of: creation.pointee)
            let instance = Instance(plugin: try factory.make(host, config), host: host)
            result.pointee = Unmanaged.passRetained(instance).toOpaque()
        }
    }

    private static func config(of creation: poise_creation) throws(PluginError) -> JSON {
        let bytes = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(creation.config), count: Int(creation.config_length))
        do {
            return try JSON.parse(Array(bytes))
        } catch {
            throw .configuration("reading the configuration failed: \(error) (mend the policy)")
        }
    }

    private static func healthy(
        _ raw: UnsafeMutableRawPointer?, _ why: UnsafeMutablePointer<poise_text>?
    ) -> Int32 {
        switch instance(raw).plugin.health {
        case .good: return POISE_GOOD
        case .degraded(let text):
            write(text, to: why)
            return POISE_DEGRADED
        case .failing(let text):
            write(text, to: why)
            return POISE_FAILING
        }
    }

    private static func attempt(
        _ why: UnsafeMutablePointer<poise_text>?, _ work: () throws(PluginError) -> Void
    ) -> Int32 {
        do {
            try work()
            return POISE_DONE
        } catch {
            write(error.description, to: why)
            return error.kind == .configuration ? POISE_CONFIGURATION : POISE_ENVIRONMENT
        }
    }

    private static func instance(_ raw: UnsafeMutableRawPointer?) -> Instance {
        guard let raw else { preconditionFailure("a host called a plugin without its instance") }
        return Unmanaged<Instance>.fromOpaque(raw).takeUnretainedValue()
    }

    private static func write(_ text: String, to why: UnsafeMutablePointer<poise_text>?) {
        guard let why, let bytes = why.pointee.bytes, why.pointee.capacity > 0 else { return }
        let fitting = text.utf8.prefix(Int(why.pointee.capacity) - 1)
        for (index, byte) in fitting.enumerated() { bytes[index] = CChar(bitPattern: byte) }
        bytes[fitting.count] = 0
    }
}

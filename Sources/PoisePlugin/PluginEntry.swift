@_exported public import PluginABI
import PoiseModel
import PoiseWire

/// The table that a library gives its host.
public typealias PluginTable = UnsafePointer<poise_plugin_functions>

/// The border of one plugin: what the two exported functions of its library give.
public enum PluginEntry<Author: Plugin> {
    /// The number of the border that the plugin was built against (`POISE_PLUGIN_ABI`).
    public static var abi: UInt32 { POISE_PLUGIN_ABI }

    /// The plugin's table, or nil when the host speaks another major.
    ///
    /// Called once a process, so the table is never freed.
    public static func table(_ hostABI: UInt32) -> PluginTable? {
        guard hostABI >> 16 == abi >> 16 else { return nil }
        let factory = PluginFactory { host, config throws(PluginError) in
            try Author(host: host, config: config)
        }
        let table = UnsafeMutablePointer<poise_plugin_functions>.allocate(capacity: 1)
        table.initialize(to: poise_plugin_functions())
        table.pointee.size = UInt32(MemoryLayout<poise_plugin_functions>.size)
        table.pointee.abi = abi
        table.pointee.name = lastingText(Author.name)
        table.pointee.version = lastingText(Author.version)
        table.pointee.context = Unmanaged.passRetained(factory).toOpaque()
        PluginBorder.fill(&table.pointee)
        return PluginTable(table)
    }
}

/// Makes the author's plugin; a C function cannot know which type that is.
final class PluginFactory: Sendable {
    let make: @Sendable (Host, JSON) throws(PluginError) -> any Plugin

    init(make: @escaping @Sendable (Host, JSON) throws(PluginError) -> any Plugin) {
        self.make = make
    }
}

private func lastingText(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
    return UnsafePointer(copy)
}

public import PoisePlugin

/// The border that this library was built against (`poise_plugin_abi`).
@c @implementation
public func poise_plugin_abi() -> UInt32 { PluginEntry<DigestPlugin>.abi }

/// The plugin's functions (`poise_plugin_entry`).
@c @implementation
public func poise_plugin_entry(_ hostABI: UInt32) -> PluginTable? {
    PluginEntry<DigestPlugin>.table(hostABI)
}

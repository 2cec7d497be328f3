import CLinux
import Glibc
import PluginABI

/// An open library whose table has been checked.
struct PluginLibrary {
    let name: String
    let version: String
    let abi: UInt32
    let functions: poise_plugin_functions

    static let ownABI = UInt32(POISE_PLUGIN_ABI)

    /// Opens a library for good and asks it for its table. `dlopen(3)`.
    static func open(_ path: String) throws(HostFailure) -> PluginLibrary {
        // Without a slash dlopen would search the system's folders.
        let place = path.contains("/") ? path : "./" + path
        guard let handle = poise_host_open_library(place) else {
            throw failure(path, loaderText())
        }
        let abi = try abi(of: handle, path)
        let entry = try symbol("poise_plugin_entry", in: handle, path)
        typealias Entry = @convention(c) (UInt32) -> UnsafePointer<poise_plugin_functions>?
        guard let table = unsafeBitCast(entry, to: Entry.self)(ownABI) else {
            throw failure(path, "poise_plugin_entry gives no table for this host (build it anew)")
        }
        let size = Int(table.pointee.size)
        guard size >= firstSize else {
            throw failure(path, "its table of \(size) bytes is too short (build it anew)")
        }
        return try checked(known(table, size), abi: abi, path)
    }

    /// How long the table was in ABI 1.0.
    private static let firstSize =
        MemoryLayout<poise_plugin_functions>.offset(of: \.service_level)
        ?? MemoryLayout<poise_plugin_functions>.size

    /// The table as this host knows it: what an older plugin's lacks is null, what a newer one has
    /// beyond is left out.
    private static func known(
        _ table: UnsafePointer<poise_plugin_functions>, _ size: Int
    ) -> poise_plugin_functions {
        var functions = poise_plugin_functions()
        withUnsafeMutableBytes(of: &functions) { bytes in
            bytes.copyMemory(
                from: UnsafeRawBufferPointer(start: table, count: min(size, bytes.count)))
        }
        return functions
    }

    private static func abi(
        of handle: UnsafeMutableRawPointer, _ path: String
    ) throws(HostFailure) -> UInt32 {
        let number = try symbol("poise_plugin_abi", in: handle, path)
        let abi = unsafeBitCast(number, to: (@convention(c) () -> UInt32).self)()
        guard abi >> 16 == ownABI >> 16 else {
            throw failure(
                path,
                "it was built for ABI \(abi >> 16), this host speaks \(ownABI >> 16) (build it "
                    + "against this version's poise_plugin.h)")
        }
        return abi
    }

    private static func checked(
        _ table: poise_plugin_functions, abi: UInt32, _ path: String
    ) throws(HostFailure) -> PluginLibrary {
        guard table.create != nil, table.start != nil, table.stop != nil else {
            throw failure(path, "its table lacks create, start or stop")
        }
        guard let name = table.name, let version = table.version else {
            throw failure(path, "its table lacks name or version")
        }
        return PluginLibrary(
            name: BorderText.read(name, longest: 64),
            version: BorderText.read(version, longest: 64),
            abi: abi, functions: table)
    }

    private static func symbol(
        _ name: String, in handle: UnsafeMutableRawPointer, _ path: String
    ) throws(HostFailure) -> UnsafeMutableRawPointer {
        guard let symbol = dlsym(handle, name) else {
            throw failure(path, "it has no \(name) and so is no Poise plugin")
        }
        return symbol
    }

    private static func failure(_ path: String, _ text: String) -> HostFailure {
        HostFailure(
            stage: "load", text: "opening the plugin failed on \(path): \(text)", permanent: true)
    }

    private static func loaderText() -> String {
        dlerror().map { BorderText.read($0, longest: 1024) } ?? "the loader does not say why"
    }
}

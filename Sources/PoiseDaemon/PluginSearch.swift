import Glibc
import PoiseLinux
package import PoiseModel

/// Finds plugins by name: `streaming` is `libstreaming.so` in one of the plugin folders, and
/// `streaming@2` is `libstreaming@2.so`, another version of it.
package struct PluginSearch: Sendable {
    package struct Found: Sendable, Equatable {
        /// As a policy names it, with the version: `streaming@2`.
        package var name: String
        package var path: String

        /// The plugin and its version; nil where the file's name tells none.
        package var parts: (plugin: String, version: PluginVersion)? {
            PluginVersion.parts(of: name)
        }
    }

    /// Searched in this order.
    package let folders: [String]

    /// The folders of the options, then `$POISE_PLUGIN_PATH`, then where the build or the
    /// installation puts plugins: `../plugins` and `../lib/poise/plugins`, and beside the program.
    package init(options: [String], environment: (String) -> String?, programFolder: String) {
        var folders = options
        folders += (environment("POISE_PLUGIN_PATH") ?? "").split(separator: ":").map(String.init)
        folders += [
            programFolder + "/../plugins", programFolder + "/../lib/poise/plugins", programFolder,
        ]
        self.folders = folders
    }

    /// The library of a plugin given by name, or by a path with a `/` in it; nil when it is not
    /// there.
    package func path(of plugin: String) -> String? {
        if plugin.contains("/") { return access(plugin, R_OK) == 0 ? plugin : nil }
        return folders.map { "\($0)/lib\(plugin).so" }.first { access($0, R_OK) == 0 }
    }

    /// What there is, by name; of two with one name the first found.
    package func all() -> [Found] {
        var found: [String: Found] = [:]
        for folder in folders {
            for file in Folder.names(in: folder) {
                guard file.hasPrefix("lib"), file.hasSuffix(".so") else { continue }
                let name = PluginSearch.name(ofFile: file)
                let path = "\(folder)/\(file)"
                guard found[name] == nil, PluginSearch.isPlugin(path) else { continue }
                found[name] = Found(name: name, path: path)
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// The versions of a plugin that there are.
    package func versions(of plugin: String) -> [PluginVersion] {
        all().compactMap { $0.parts.flatMap { $0.plugin == plugin ? $0.version : nil } }.sorted()
    }

    /// Why a version of a plugin cannot be started; nil when its library is there, can be read and
    /// is a plugin.
    package func obstacle(to version: PluginVersion, of plugin: String) -> String? {
        let source = version.source(of: plugin)
        if let path = path(of: source) {
            return PluginSearch.isPlugin(path)
                ? nil
                : "\(path) is no plugin: it does not export poise_plugin_abi (build it against "
                    + "poise_plugin.h)"
        }
        let versions = versions(of: plugin)
        guard !versions.isEmpty else { return missing(source) }
        let list = versions.map(\.name).joined(separator: ", ")
        return "there is no version \(version) of \(plugin) (there are: \(list); put "
            + "lib\(source).so into one of \(folders.joined(separator: ":")))"
    }

    /// `streaming` of `/usr/lib/libstreaming.so`.
    static func name(ofFile path: String) -> String {
        var name = path.split(separator: "/").last ?? ""
        if name.hasSuffix(".so") { name = name.dropLast(3) }
        if name.hasPrefix("lib") { name = name.dropFirst(3) }
        return String(name)
    }

    /// Why a plugin cannot be found, and what there is instead.
    package func missing(_ plugin: String) -> String {
        if plugin.contains("/") { return "there is no readable plugin at \(plugin)" }
        let names = all().map(\.name).joined(separator: ", ")
        let known = names.isEmpty ? "there are none" : "there are: \(names)"
        return "no such plugin: \(plugin) (\(known); searched: \(folders.joined(separator: ":")))"
    }

    /// Whether a file exports the plugin's ABI number, judged by its name in the file.
    private static func isPlugin(_ path: String) -> Bool {
        let mark = Array("poise_plugin_abi".utf8)
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY)
            var tail: [UInt8] = []
            // A plugin that is larger than this is found by its path only.
            for _ in 0..<1024 {
                guard case .bytes(let bytes) = try file.read() else { return false }
                let window = tail + bytes
                if window.contains(mark) { return true }
                tail = Array(window.suffix(mark.count - 1))
            }
            return false
        } catch {
            // What cannot be read cannot be loaded either.
            return false
        }
    }
}

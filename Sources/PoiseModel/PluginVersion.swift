/// Which library of a plugin: `libNAME.so` is the plain one, `libNAME@VERSION.so` are others.
///
/// The name in the file is what the operator gave it. What a plugin calls its own version is in
/// its table and may be another text.
package struct PluginVersion: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    /// 1 to 32 of `a-z A-Z 0-9 . _ + -`, beginning with a letter or digit.
    package let name: String

    /// The library without a version in its name.
    package static let plain = PluginVersion(known: "plain")

    /// Nil when `name` is not of the form above; `plain` is the library without a version.
    package init?(_ name: String) {
        guard PluginVersion.isVersion(name) else { return nil }
        self.name = name
    }

    private init(known name: String) { self.name = name }

    package var description: String { name }

    package static func < (left: PluginVersion, right: PluginVersion) -> Bool {
        left.name < right.name
    }

    /// What a policy calls this version of a plugin: `streaming` or `streaming@2`.
    package func source(of plugin: String) -> String {
        self == .plain ? plugin : "\(plugin)@\(name)"
    }

    /// The plugin and the version that `source` means; nil for a path, and for what is neither.
    package static func parts(of source: String) -> (plugin: String, version: PluginVersion)? {
        guard !source.contains("/") else { return nil }
        let parts = source.split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false
        ).map(String.init)
        guard let plugin = parts.first, FeatureID(plugin) != nil else { return nil }
        guard parts.count == 2 else { return (plugin, .plain) }
        guard let version = PluginVersion(parts[1]), version != .plain else { return nil }
        return (plugin, version)
    }

    private static func isVersion(_ text: String) -> Bool {
        let isPlain: (UInt8) -> Bool = { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard let first = text.utf8.first, isPlain(first), text.utf8.count <= 32 else {
            return false
        }
        return text.utf8.allSatisfy { isPlain($0) || Array("._+-".utf8).contains($0) }
    }
}

extension PluginVersion: SelfChecking {
    package var contradiction: String? {
        PluginVersion.isVersion(name) ? nil : "is no version"
    }
}

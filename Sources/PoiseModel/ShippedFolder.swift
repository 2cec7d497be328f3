/// Where a folder that ships with Poise (`Policies`, `hwprofiles`) may be.
package enum ShippedFolder {
    /// The candidates, nearest first: `named` (an environment variable's value), the folder beside
    /// the executable or in a folder above it (so that a checkout's build finds its own), and
    /// `../share/poise` of an installation.
    package static func places(
        of folder: String, named: String?, executable: String?
    ) -> [String] {
        var places: [String] = []
        if let named, !named.isEmpty { places.append(named) }
        guard let executable else { return places }
        var parts = executable.split(separator: "/").dropLast()
        let installed = parts.dropLast() + ["share", "poise", folder[...]]
        while true {
            places.append("/" + (parts + [folder[...]]).joined(separator: "/"))
            if parts.isEmpty { break }
            parts.removeLast()
        }
        places.append("/" + installed.joined(separator: "/"))
        return places
    }
}

/// The version of all programs of this package.
package enum PoiseVersion {
    package static let text = "0.1.0"
}

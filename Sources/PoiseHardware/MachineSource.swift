import Glibc
import PoiseModel

/// Where a machine is learnt from.
package enum MachineSource: Sendable, Equatable {
    /// The running system.
    case thisSystem
    /// An hwloc XML file.
    case file(String)
    /// A file of the `hwprofiles` folders, by name without `.xml`.
    case profile(String)

    /// The source that a person named on the command line.
    ///
    /// A name with a `/`, or one that ends in `.xml` and exists, is a file; anything else is a
    /// profile, or, where there is none of that name, a file of that name.
    package init(named name: String, profileFolders: [String] = MachineSource.profileFolders())
        throws(TopologyError)
    {
        if name.contains("/") || (name.hasSuffix(".xml") && Files.exists(name)) {
            self = .file(name)
            return
        }
        let profile = name.hasSuffix(".xml") ? String(name.dropLast(4)) : name
        do throws(TopologyError) {
            _ = try MachineSource.path(ofProfile: profile, in: profileFolders)
            self = .profile(profile)
        } catch {
            guard Files.exists(name) else { throw error }
            self = .file(name)
        }
    }

    /// The folders that hold profiles, nearest first; only those that are there.
    ///
    /// `$POISE_HWPROFILES`, then `hwprofiles` beside the executable or in a folder above it (so
    /// that a checkout's build finds its own), then `../share/poise/hwprofiles`.
    package static func profileFolders() -> [String] {
        let named = getenv("POISE_HWPROFILES").map { String(cString: $0) }
        return profileFolders(named: named, executable: Files.target(ofLink: "/proc/self/exe"))
    }

    /// The same for a given value of the variable and a given executable.
    package static func profileFolders(named: String?, executable: String?) -> [String] {
        let places = ShippedFolder.places(
            of: "hwprofiles", named: named, executable: executable)
        return places.filter(Files.isFolder)
    }

    /// The names of all profiles in `folders`, sorted.
    package static func profiles(in folders: [String] = profileFolders()) -> [String] {
        let files = folders.flatMap { Files.names(in: $0) ?? [] }.filter { $0.hasSuffix(".xml") }
        return Set(files.map { String($0.dropLast(4)) }).sorted()
    }

    /// The file of a profile in the first folder that has it.
    static func path(ofProfile name: String, in folders: [String]) throws(TopologyError) -> String {
        let isName = !name.isEmpty && !name.contains("/") && name != "." && name != ".."
        let paths = folders.map { "\($0)/\(name).xml" }
        if isName, let path = paths.first(where: Files.exists) { return path }
        let nearest = Nearest.ranked(profiles(in: folders), by: name)
        throw .unknownProfile(
            name: name, nearest: Array(nearest.prefix(3)), folders: folders)
    }
}

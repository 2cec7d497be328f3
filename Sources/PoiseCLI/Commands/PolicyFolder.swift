import Glibc
import PoiseModel
import PoisePolicyFile
import PoiseWire

/// Where the policies that come with Poise are.
package enum PolicyFolder {
    /// Nearest first, only those that are there: `$POISE_POLICIES`, `Policies` beside the
    /// executable or in a folder above it, `../share/poise/Policies`.
    package static func all(named: String?, executable: String?) -> [String] {
        let places = ShippedFolder.places(of: "Policies", named: named, executable: executable)
        return places.filter { access($0 + "/.", F_OK) == 0 }
    }

    /// The names of the policies that come with Poise, sorted.
    static var names: [String] {
        let folders = all(
            named: RuntimeFolder.environment("POISE_POLICIES"), executable: InputFile.executable)
        var names: Set<String> = []
        for folder in folders {
            guard let stream = opendir(folder) else { continue }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name.hasSuffix(".yaml") { names.insert(String(name.dropLast(5))) }
            }
        }
        return names.sorted()
    }

    /// The file that somebody means: a path, or the name of a policy that comes with Poise.
    static func path(named name: String) throws(CommandFailure) -> String {
        if name.contains("/") || InputFile.exists(name) { return name }
        let folders = all(
            named: RuntimeFolder.environment("POISE_POLICIES"), executable: InputFile.executable)
        let file = name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : name + ".yaml"
        if let found = folders.map({ "\($0)/\(file)" }).first(where: InputFile.exists) {
            return found
        }
        let place = folders.isEmpty ? "no folder Policies was found" : "nor in \(folders[0])"
        throw CommandFailure(
            .no,
            "finding failed on the policy \(name): there is no such file, \(place)"
                + " (name a file, or set POISE_POLICIES)")
    }

    /// The policy in the file that somebody means, or all of its mistakes.
    static func load(_ name: String) throws(CommandFailure) -> Policy {
        let path = try path(named: name)
        do throws(PolicyError) {
            return try Policy.load(path: path)
        } catch {
            throw CommandFailure(.no, error.description, prefixed: false)
        }
    }
}

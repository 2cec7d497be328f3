import CLinux

/// The environment of this process (`environ(7)`).
package enum OwnEnvironment {
    /// All variables that children may have; the first of a name counts. What systemd gave to this
    /// process alone is left out.
    package static var variables: [String: String] {
        var result: [String: String] = [:]
        guard var entry = poise_environment() else { return result }
        while let text = entry.pointee {
            let parts = String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            entry += 1
            guard parts.count == 2 else { continue }
            let name = String(parts[0])
            guard result[name] == nil, !SystemdService.variables.contains(name) else { continue }
            result[name] = String(parts[1])
        }
        return result
    }
}

import CLinux

/// The environment of this process (`environ(7)`).
package enum OwnEnvironment {
    /// All variables; the first of a name counts.
    package static var variables: [String: String] {
        var result: [String: String] = [:]
        guard var entry = poise_environment() else { return result }
        while let text = entry.pointee {
            let parts = String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, result[String(parts[0])] == nil {
                result[String(parts[0])] = String(parts[1])
            }
            entry += 1
        }
        return result
    }
}

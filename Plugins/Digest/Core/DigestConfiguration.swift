package import PoiseModel

/// What a policy's `config` says to the plugin digest:
/// `{ burst: { count: 5, seconds: 10 }, file: digest.json }`, all of it optional.
package struct DigestConfiguration: Sendable, Equatable {
    package var burst = Digest.Burst()
    /// Below the state folder.
    package var file = "digest.json"

    /// What is wrong, in one line.
    package struct Mistake: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    package init(_ json: JSON) throws(Mistake) {
        for member in try DigestConfiguration.members(json, "config") {
            switch member.key {
            case "burst":
                for part in try DigestConfiguration.members(member.value, "config.burst") {
                    try readBurst(part)
                }
            case "file":
                guard let name = member.value.string, !name.isEmpty, !name.contains("/"),
                    name.first != "."
                else {
                    throw Mistake(
                        description: "reading config.file failed: \(member.value) is no file name")
                }
                file = name
            default:
                throw Mistake(
                    description: "reading config.\(member.key) failed: unknown key (known: burst, "
                        + "file)")
            }
        }
    }

    private mutating func readBurst(_ part: JSON.Member) throws(Mistake) {
        switch part.key {
        case "count":
            guard let count = part.value.integer, (1...1000).contains(count) else {
                throw Mistake(
                    description: "reading config.burst.count failed: \(part.value) is not 1 to 1000"
                )
            }
            burst.count = count
        case "seconds":
            guard let seconds = part.value.number, seconds > 0, seconds <= 3600 else {
                throw Mistake(
                    description:
                        "reading config.burst.seconds failed: \(part.value) is not above 0 "
                        + "and at most 3600")
            }
            burst.within = .seconds(seconds)
        default:
            throw Mistake(
                description: "reading config.burst.\(part.key) failed: unknown key (known: count, "
                    + "seconds)")
        }
    }

    private static func members(_ json: JSON, _ path: String) throws(Mistake) -> [JSON.Member] {
        guard let members = json.members else {
            throw Mistake(description: "reading \(path) failed: \(json) is no object")
        }
        return members
    }
}

package import PoiseModel

/// What came out of reading a policy file: the policy, or none, and what is to be said about it.
package struct PolicyReading: Sendable, Equatable {
    /// Nil exactly when one of the mistakes is an error.
    package var policy: Policy?
    /// Errors and warnings, in the order of their places.
    package var mistakes: [PolicyMistake]

    package init(policy: Policy?, mistakes: [PolicyMistake]) {
        self.policy = policy
        self.mistakes = mistakes
    }

    package var errors: [PolicyMistake] { mistakes.filter { $0.severity == .error } }
    package var warnings: [PolicyMistake] { mistakes.filter { $0.severity == .warning } }

    fileprivate func orThrow() throws(PolicyError) -> Policy {
        guard let policy else { throw PolicyError(mistakes: mistakes) }
        return policy
    }
}

/// Limits that keep a hostile file from costing more than a refusal.
package enum PolicyLimit {
    package static let fileBytes = 1 << 20
    package static let nesting = 64
    /// Values of the whole file, with every alias counted as what it stands for.
    package static let values = 100_000
    package static let features = 1024
    package static let mistakes = 1000
    /// A week of minutes.
    package static let forecastSteps = 10_080
    package static let routes = 256
    /// Of one route.
    package static let topics = 64
    /// Rings of all routes; a rollout makes up to four of one.
    package static let links = 1024
    /// What tells a host where its feature sends; a datagram between daemon and host has 64 KiB.
    package static let tableBytes = 60_000
}

extension Policy {
    /// The policy in the file at `path`, or all of its mistakes.
    package static func load(path: String) throws(PolicyError) -> Policy {
        try read(path: path).orThrow()
    }

    /// The policy that `bytes` spell in YAML, or all of their mistakes, told as those of `file`.
    package static func parse(_ bytes: [UInt8], name file: String) throws(PolicyError) -> Policy {
        try read(bytes, name: file).orThrow()
    }

    /// Like `load(path:)`, with the warnings of a usable policy too.
    package static func read(path: String) -> PolicyReading {
        let bytes: [UInt8]
        do throws(RefusedFile) {
            bytes = try PolicyBytes.read(path: path)
        } catch {
            var mistakes = MistakeList(file: path)
            mistakes.error(.start, error.text)
            return PolicyReading(policy: nil, mistakes: mistakes.sorted)
        }
        return read(bytes, name: path)
    }

    /// Like `parse(_:name:)`, with the warnings of a usable policy too.
    package static func read(_ bytes: [UInt8], name file: String) -> PolicyReading {
        // Some editors begin a file with a byte order mark; YAML allows it.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            return read(Array(bytes.dropFirst(3)), name: file)
        }
        var mistakes = MistakeList(file: file)
        if bytes.count > PolicyLimit.fileBytes {
            mistakes.error(.start, PolicyBytes.tooLarge(bytes.count))
            return PolicyReading(policy: nil, mistakes: mistakes.sorted)
        }
        if let fault = SourceText.firstFault(in: bytes) {
            mistakes.error(fault.mark, fault.text)
            return PolicyReading(policy: nil, mistakes: mistakes.sorted)
        }
        let root = YAMLTree.compose(bytes, &mistakes)
        var decoder = PolicyDecoder(mistakes: mistakes)
        let policy = root.flatMap { decoder.policy($0) }
        return PolicyReading(
            policy: decoder.mistakes.hasErrors ? nil : policy,
            mistakes: decoder.mistakes.sorted)
    }
}

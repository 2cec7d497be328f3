/// How a feature's health is found out, beside what its plugin says of itself.
package struct HealthPolicy: Sendable, Equatable, Codable {
    /// What is checked.
    package enum Target: Sendable, Equatable, Codable {
        /// Another feature of the policy is ready.
        case feature(FeatureID)
        /// Something listens there.
        case tcp(NetworkAddress)
        /// The file or folder is there.
        case file(String)
        /// `GET` of the path answers with a status of 200 to 399, or with `status`.
        case http(NetworkAddress, path: String, status: Int?)
        /// The gRPC health checking protocol (`grpc.health.v1.Health/Check`) says SERVING; an empty
        /// service is the whole server.
        case grpc(NetworkAddress, service: String)
        /// The program ends with 0.
        case command([String])
    }

    package struct Check: Sendable, Equatable, Codable {
        package var name: String
        package var target: Target
        /// Whether the feature is not ready without it; else it is only degraded.
        package var isCritical: Bool

        package init(name: String, target: Target, isCritical: Bool = true) {
            self.name = name
            self.target = target
            self.isCritical = isCritical
        }
    }

    /// Dependencies and checks of one feature at most.
    package static let mostChecks = 16

    /// Between two checks; each is moved by up to a tenth, so that they do not come all at once.
    package var every: Duration
    /// Who has not answered by then has failed.
    package var within: Duration
    /// What it needs from others: failing makes it not ready, and no breaker opens for it.
    package var dependencies: [Check]
    /// Of the feature itself: failing is a failure of the feature, where it is critical.
    package var checks: [Check]

    package init(
        every: Duration = .seconds(5), within: Duration = .seconds(1),
        dependencies: [Check] = [], checks: [Check] = []
    ) {
        self.every = every
        self.within = within
        self.dependencies = dependencies
        self.checks = checks
    }

    /// Its dependencies and checks; no name is there twice.
    package var all: [Check] { dependencies + checks }

    /// Whether nothing is checked.
    package var isEmpty: Bool { dependencies.isEmpty && checks.isEmpty }

    /// The dependency or check of that name.
    package subscript(name: String) -> Check? {
        dependencies.first { $0.name == name } ?? checks.first { $0.name == name }
    }
}

extension HealthPolicy.Target: CustomStringConvertible {
    /// As people are told it: `feature store`, `tcp 127.0.0.1:5432`, `http://[::1]:80/healthz`.
    package var description: String {
        switch self {
        case .feature(let feature): "feature \(feature)"
        case .tcp(let address): "tcp \(address)"
        case .file(let path): "file \(path)"
        case .http(let address, let path, _): "http://\(address)\(path)"
        case .grpc(let address, let service):
            "grpc \(address)" + (service.isEmpty ? "" : " \(service)")
        case .command(let words): "command \(words.first ?? "")"
        }
    }
}

/// How a feature's health is found out, beside what its plugin says of itself.
package struct HealthPolicy: Sendable, Equatable, Codable {
    /// What is checked.
    package enum Target: Sendable, Equatable, Codable {
        /// Another feature of the policy is ready.
        case feature(FeatureID)
        /// Something listens there: `127.0.0.1:5432`, `[::1]:80`.
        case tcp(String)
        /// The file or folder is there.
        case file(String)
        /// `GET` answers with a status of 200 to 399, or with `status`.
        case http(url: String, status: Int?)
        /// The gRPC health checking protocol (`grpc.health.v1.Health/Check`) says SERVING.
        case grpc(address: String, service: String)
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

    /// Between two checks; each is moved by up to a tenth, so that they do not come all at once.
    package var every: Duration
    /// Who has not answered by then has failed.
    package var within: Duration
    /// What it needs from others: failing makes it not ready, and no breaker opens for it.
    package var dependencies: [Check]
    /// Of the feature itself: failing is a failure of the feature.
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
}

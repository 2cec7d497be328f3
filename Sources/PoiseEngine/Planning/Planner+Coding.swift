import PoiseModel

/// Machine and policy; all the rest is computed from them.
extension Planner: Codable {
    private enum CodingKeys: String, CodingKey { case machine, policy }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            machine: try values.decode(Machine.self, forKey: .machine),
            policy: try values.decode(Policy.self, forKey: .policy))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(machine, forKey: .machine)
        try values.encode(policy, forKey: .policy)
    }
}

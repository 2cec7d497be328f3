import PoiseModel

extension Supervisor: SelfChecking {
    package var contradiction: String? {
        if !plan.cpus.isSubset(of: machine.pus) {
            return "its plan names CPUs that the machine has not: "
                + "\(plan.cpus.subtracting(machine.pus))"
        }
        let names = Set(records.keys)
        for feature in policy.features where !names.contains(feature.id) && !isShuttingDown {
            return "\(feature.id) is in the policy and has no record"
        }
        return nil
    }
}

extension Supervisor.Record: SelfChecking {
    package var contradiction: String? {
        let counts = [generation, restarts, life.failures, unanswered ?? 0]
        guard counts.allSatisfy({ (0..<1 << 40).contains($0) }) else {
            return "counts what cannot be"
        }
        return nil
    }
}

extension Input: SelfChecking {
    package var contradiction: String? {
        switch self {
        case .need(_, _, let millicores, _):
            millicores.magnitude < 1 << 40 ? nil : "a need of \(millicores) millicores cannot be"
        case .found(_, let found):
            [found.generation, found.restarts, found.failures].allSatisfy { (0..<1 << 40) ~= $0 }
                ? nil : "counts what cannot be"
        default: nil
        }
    }
}

import PoiseEngine
import PoiseModel
import PoiseWire

// Explanations for programs; the sentences that people read are among them as `text`.
extension Explanation {
    /// The members of `poise explain --json` that are not in `known` yet.
    func members(in situation: Situation, besides known: [JSON.Member]) -> [JSON.Member] {
        let all: [JSON.Member] = [
            .init("feature", .string(feature.name)), .init("priority", .integer(policy.priority)),
            .init("allocation", allocation.map { $0.json(holding: .none) } ?? .null),
            .init(
                "unmet",
                .array((allocation?.unmet ?? keptOut?.unmet ?? []).map(\.json))),
            .init("text", .array(sentences(in: situation).map(JSON.string))),
            .init("wishes", .array(wishes.map(\.json))),
            .init("constraint", constraint.json(of: feature, in: situation)),
            .init("place", cost.map(\.json) ?? .null),
            .init("alternatives", .array(alternatives.map(\.json))),
            .init("more", more?.json(in: situation) ?? .null),
        ]
        return all.filter { member in !known.contains { $0.key == member.key } }
    }
}

extension Explanation.Wish {
    fileprivate var json: JSON {
        [
            "class": .string(coreClass.rawValue), "min": .integer(policy.min),
            "want": .integer(policy.want), "max": .integer(policy.max),
            "signalled": JSON(signalled), "estimated": JSON(estimated),
            "target": .integer(target), "got": .integer(got),
        ]
    }
}

extension WhyNot {
    /// `poise why-not --json`.
    func json(in situation: Situation) -> JSON {
        [
            "feature": .string(feature.name),
            "question": .string(question.words(on: situation.machine)),
            "verdict": .string(verdict.rawValue),
            "text": .array(sentences(in: situation).map(JSON.string)),
            "constraint": constraint.map { $0.json(of: feature, in: situation) } ?? .null,
            "costOfSignal": signal.map { $0.json(for: feature, in: situation) } ?? .null,
            "remedies": .array(remedies.map { $0.json(for: feature, in: situation) }),
            "isPossible": .bool(isPossible), "isCutShort": .bool(isCutShort),
            "plansMade": .integer(plans),
        ]
    }
}

extension Remedy {
    fileprivate func json(for feature: FeatureID, in situation: Situation) -> JSON {
        let words = changes.map { JSON.string($0.words(for: feature, in: situation)) }
        return [
            "changes": .array(words), "movedCPUs": .integer(movedCPUs),
            "losses": .array(
                losses.map { loss in
                    [
                        "feature": .string(loss.feature.name),
                        "millicoresBefore": .integer(loss.coresBefore.total),
                        "millicoresAfter": .integer(loss.coresAfter.total),
                        "memoryBytesBefore": .integer(loss.memoryBefore),
                        "memoryBytesAfter": .integer(loss.memoryAfter),
                        "losesItsPlace": .bool(loss.losesItsPlace),
                    ]
                }),
        ]
    }
}

extension BindingConstraint {
    fileprivate func json(of feature: FeatureID, in situation: Situation) -> JSON {
        [
            "kind": .string(kind), "text": .string(words(for: feature, in: situation)),
            "cores": .array(coreLedgers.map(\.json)),
            "amounts": amountLedger.map(\.json) ?? .null,
        ]
    }
}

extension CoreLedger {
    fileprivate var json: JSON {
        [
            "class": .string(coreClass.rawValue), "millicores": .integer(total),
            "reserve": .integer(reserve), "free": .integer(free),
            "holders": .array(
                holders.map { holder in
                    [
                        "feature": .string(holder.feature.name),
                        "priority": .integer(holder.priority),
                        "millicores": .integer(holder.millicores),
                        "minimum": .integer(holder.minimum),
                    ]
                }),
        ]
    }
}

extension AmountLedger {
    fileprivate var json: JSON {
        [
            "resource": .string(resource.key), "total": JSON(total),
            "reserve": .integer(reserve), "free": JSON(free),
            "holders": .array(
                holders.map { holder in
                    [
                        "feature": .string(holder.feature.name),
                        "priority": .integer(holder.priority), "amount": .integer(holder.amount),
                    ]
                }),
        ]
    }
}

extension PlacementCost {
    fileprivate var json: JSON {
        [
            "nodes": .integer(nodes), "caches": .integer(caches), "distance": .integer(distance),
            "cost": .integer(total),
        ]
    }
}

extension PlaceAlternative {
    fileprivate var json: JSON {
        [
            "place": .string(name), "costsMore": difference.json,
            "movedCPUs": .integer(movedCPUs), "coresElsewhere": .integer(coresElsewhere),
            "lacksMemory": .bool(lacksMemory), "text": .string(words),
            "displaced": .array(
                displaced.map { other in
                    ["feature": JSON(other.feature?.name), "cpus": .integer(other.cpus)]
                }),
        ]
    }
}

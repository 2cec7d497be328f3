// Policies from files have passed the checks of `PoisePolicyFile`; one from a record has not.

extension Policy: SelfChecking {
    package var contradiction: String? {
        for (left, right) in zip(features, features.dropFirst()) where left.id >= right.id {
            return "features are not in the order of their names"
        }
        if !(0...Amounts.mostMillicores).contains(reserve.millicores)
            || !(0...Amounts.mostBytes).contains(reserve.memoryBytes)
        {
            return "reserves what cannot be"
        }
        let times = [rebalance.every, rebalance.shrinkAfter]
        if times.contains(where: { !(.zero...Amounts.longest).contains($0) })
            || !(0...100).contains(rebalance.deadbandPercent)
        {
            return "rebalances in a way that cannot be"
        }
        let plugins = features.count(where: \.isOnBus)
        for route in bus.routes where route.isShared {
            // Each may have a canary, and a ring tells no more writers apart.
            let senders = route.from.isEmpty ? plugins : route.from.count
            if senders > BusRoute.mostSharing { return "\(senders) senders cannot share a ring" }
        }
        return nil
    }
}

extension FeaturePolicy: SelfChecking {
    package var contradiction: String? {
        if case .command(let words) = source, words.isEmpty { return "is a command without words" }
        let limits: [(String, Int?, ClosedRange<Int>)] = [
            ("priority", priority, 0...100), ("weight", weight, 1...10_000),
            ("gpuBytes", gpuBytes, 0...Amounts.mostBytes), ("npuPercent", npuPercent, 0...100),
            ("ioWeight", ioWeight, 1...10_000), ("mostProcesses", mostProcesses, 1...1 << 22),
        ]
        for (name, value, limit) in limits {
            if let value, !limit.contains(value) { return "\(name) cannot be \(value)" }
        }
        return nil
    }
}

extension CoreWish: SelfChecking {
    package var contradiction: String? {
        guard 0 <= min, min <= want, want <= max, max <= Amounts.mostMillicores else {
            return "min \(min), want \(want) and max \(max) do not fit together"
        }
        return nil
    }
}

extension MemoryWish: SelfChecking {
    package var contradiction: String? {
        let most = max ?? Amounts.mostBytes
        guard 0 <= min, min <= want, want <= most, most <= Amounts.mostBytes,
            (0...Amounts.mostBytes).contains(swap ?? 0)
        else { return "min \(min), want \(want) and max \(most) do not fit together" }
        return nil
    }
}

extension BreakerPolicy: SelfChecking {
    package var contradiction: String? {
        let times = [within, open, openMax]
        guard failures >= 0, (0...100).contains(halfOpenBudgetPercent),
            times.allSatisfy({ (.zero...Amounts.longest).contains($0) })
        else { return "counts or waits in a way that cannot be" }
        return nil
    }
}

extension HealthPolicy: SelfChecking {
    package var contradiction: String? {
        guard [every, within].allSatisfy({ (.zero...Amounts.longest).contains($0) }) else {
            return "checks health at times that cannot be"
        }
        return nil
    }
}

extension ForecastSetting: SelfChecking {
    /// Steps of a season at most: a week of minutes, as policy files may have.
    private static let mostSteps = 10_080

    package var contradiction: String? {
        guard season >= .zero, step >= .zero,
            season.wholeSeconds / max(1, step.wholeSeconds) <= ForecastSetting.mostSteps
        else { return "a season of \(season) in steps of \(step) cannot be" }
        return nil
    }
}

extension LevelTrigger: SelfChecking {
    package var contradiction: String? {
        let limits: [(Int?, ClosedRange<Int>)] = [
            (cpuPressurePercent, 0...100), (memoryPressurePercent, 0...100),
            (openBreakers, 1...1024), (temperatureCelsius, 30...150),
        ]
        for case (let value?, let limit) in limits where !limit.contains(value) {
            return "begins at \(value), which cannot be"
        }
        return nil
    }
}

extension BusPolicy: SelfChecking {
    package var contradiction: String? {
        if arenaBytes != 0, !BusPolicy.arenaRange.contains(arenaBytes) {
            return "an arena cannot have \(arenaBytes) bytes"
        }
        for (left, right) in zip(routes, routes.dropFirst()) where left.name >= right.name {
            return "routes are not in the order of their names"
        }
        return nil
    }
}

extension BusRoute: SelfChecking {
    package var contradiction: String? {
        guard FeatureID(name) != nil else { return "a route cannot have its name" }
        guard BusRoute.ringRange.contains(ringBytes), ringBytes.nonzeroBitCount == 1 else {
            return "a ring cannot have \(ringBytes) bytes"
        }
        guard !topics.isEmpty, topics.allSatisfy(BusTopic.isName) else {
            return "a topic cannot have its name, or there is none"
        }
        switch full {
        case .block(let time) where !(.zero...Amounts.longest).contains(time):
            return "a sender cannot wait \(time)"
        case .spill(let most) where !FullRing.spillRange.contains(most):
            return "\(most) bytes cannot be spilled"
        case .block, .dropOldest, .dropNewest, .spill: return nil
        }
    }
}

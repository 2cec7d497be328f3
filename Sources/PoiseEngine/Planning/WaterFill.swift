/// Weighted water-filling in whole units that adds up exactly.
///
/// **Problem.** A supply of millicores (or bytes) is shared among claims that already hold
/// something and may each grow to a limit. A claim's *level* is what it holds divided by its
/// weight; water rises to one level for all, except for claims that have reached their limit.
///
/// **Rule for the remainders.** Units are awarded one after the other, each to the claim whose
/// level after the award is lowest, ties by position (a divisor method: Jefferson, d'Hondt). A
/// claim with a step of 1000 takes whole cores; only the last award of all may be a part of a step,
/// so nothing of the supply is stranded.
///
/// **Properties.** What is awarded is min(supply, sum of room). The awards for a smaller supply are
/// a prefix of those for a larger one, so no claim loses more than the supply lost: the reason why
/// largest-remainder rounding (which can take from one claim when the supply grows, the Alabama
/// paradox) is not used. Cost: 60 × claims for the level, then at most one award a claim and a few.
enum WaterFill {
    struct Claim {
        /// What it holds already; part of its level.
        var held: Int
        /// What it may hold at most.
        var limit: Int
        /// 1…10000.
        var weight: Int
        /// Awards end at multiples of this, or at the limit.
        var step: Int

        var room: Int { max(0, limit - held) }

        /// What it holds when the water stands at `level` / `scale`.
        func holding(atLevel level: Int, scale: Int) -> Int {
            let (high, low) = level.multipliedFullWidth(by: weight)
            let units = scale.dividingFullWidth((high, low)).quotient
            if units >= limit { return max(held, limit) }
            return max(held, units / step * step)
        }

        /// The next amount that it can hold.
        var next: Int { min(limit, (held / step + 1) * step) }
    }

    /// Raises `claims` by at most `supply` in all, and returns what is left of it.
    static func fill(_ claims: inout [Claim], supply: Int) -> Int {
        let room = claims.reduce(0) { $0 + $1.room }
        guard room > 0, supply > 0 else { return supply }
        if room <= supply {
            for index in claims.indices { claims[index].held += claims[index].room }
            return supply - room
        }
        var left = supply - riseToCommonLevel(&claims, supply: supply)
        while left > 0, let winner = nextWinner(claims) {
            let step = claims[winner].next - claims[winner].held
            let award = min(left, step)
            claims[winner].held += award
            left -= award
        }
        return left
    }

    /// Finds the highest level that the supply reaches and returns what it took to get there.
    private static func riseToCommonLevel(_ claims: inout [Claim], supply: Int) -> Int {
        let held = claims.reduce(0) { $0 + $1.held }
        let scale = claims.reduce(1) { max($0, $1.weight) }
        func needed(_ level: Int) -> Int {
            var sum = 0
            for claim in claims { sum += claim.holding(atLevel: level, scale: scale) }
            return sum - held
        }
        var low = 0
        var high = claims.reduce(1) { max($0, $1.limit / $1.weight + 1) } * scale
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if needed(middle) <= supply { low = middle } else { high = middle }
        }
        let taken = needed(low)
        for index in claims.indices {
            claims[index].held = claims[index].holding(atLevel: low, scale: scale)
        }
        return taken
    }

    private static func nextWinner(_ claims: [Claim]) -> Int? {
        var best: Int?
        for index in claims.indices where claims[index].room > 0 {
            guard let leader = best else {
                best = index
                continue
            }
            let (mine, theirs) = (claims[index], claims[leader])
            if mine.next * theirs.weight < theirs.next * mine.weight { best = index }
        }
        return best
    }
}

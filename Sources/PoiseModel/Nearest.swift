/// Finds what somebody who mistyped a word may have meant.
package enum Nearest {
    /// The nearest of `known` to `word`, when it is near enough to be meant.
    package static func name(to word: String, among known: [String]) -> String? {
        let limit = max(1, min(3, word.unicodeScalars.count / 3))
        let letters = Array(word.lowercased().unicodeScalars)
        return known.sorted()
            .map { (name: $0, distance: distance(letters, Array($0.lowercased().unicodeScalars))) }
            .filter { $0.distance <= limit }
            .min { $0.distance < $1.distance }?.name
    }

    /// All of `known`, the nearest to `word` first; one that has the word in it is nearer than any
    /// other.
    package static func ranked(_ known: [String], by word: String) -> [String] {
        let letters = Array(word.unicodeScalars)
        let distances = known.map { name in
            !word.isEmpty && name.contains(word)
                ? 0 : 1 + distance(letters, Array(name.unicodeScalars))
        }
        return known.indices.sorted { (distances[$0], known[$0]) < (distances[$1], known[$1]) }
            .map { known[$0] }
    }

    /// `; did you mean 'min'?`, or the known words when none is near.
    package static func hint(for word: String, among known: [String]) -> String {
        if let name = name(to: word, among: known) { return "; did you mean '\(name)'?" }
        return "; known are \(known.joined(separator: ", "))"
    }

    /// How many letters must be added, dropped, changed or swapped with their neighbour to make one
    /// word the other (optimal string alignment); the cost is bounded by refusing long words early.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        if abs(left.count - right.count) > 3 { return abs(left.count - right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let change = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(last[column + 1] + 1, current[column] + 1, change)
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}

/// A place in a file, from 1.
struct Mark: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static let start = Mark(line: 1, column: 1)

    static func < (left: Mark, right: Mark) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// The mistakes found so far in one file; the same mistake is kept once, however often an alias
/// leads to it, and no more of them than anybody would read.
struct MistakeList {
    let file: String
    private(set) var errorCount = 0
    private var known: Set<PolicyMistake> = []
    private var leftOut = 0

    init(file: String) { self.file = file }

    var hasErrors: Bool { errorCount > 0 }

    mutating func error(_ mark: Mark, _ text: String) {
        errorCount += 1
        add(mark, .error, text)
    }

    mutating func warning(_ mark: Mark, _ text: String) { add(mark, .warning, text) }

    private mutating func add(_ mark: Mark, _ severity: PolicyMistake.Severity, _ text: String) {
        let mistake = PolicyMistake(
            file: file, line: mark.line, column: mark.column, severity: severity, text: text)
        guard !known.contains(mistake) else { return }
        guard known.count < PolicyLimit.mistakes else {
            leftOut += 1
            return
        }
        known.insert(mistake)
    }

    /// In the order of the file, errors before warnings in one place.
    var sorted: [PolicyMistake] {
        var list = known.sorted { left, right in
            (left.line, left.column, left.severity.rawValue, left.text)
                < (right.line, right.column, right.severity.rawValue, right.text)
        }
        if leftOut > 0, let last = list.last {
            list.append(
                PolicyMistake(
                    file: file, line: last.line, column: last.column,
                    severity: hasErrors ? .error : .warning,
                    text: "\(leftOut) more mistakes are not listed"))
        }
        return list
    }
}

/// One mistake in a policy file, with its place.
package struct PolicyMistake: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is: a policy with an error is not used, one with warnings is.
    package enum Severity: String, Sendable, CaseIterable { case error, warning }

    package var file: String
    /// From 1; 1 also for what concerns the whole file.
    package var line: Int
    /// From 1, in characters; 1 also for what concerns the whole file.
    package var column: Int
    package var severity: Severity
    package var text: String

    package init(file: String, line: Int, column: Int, severity: Severity, text: String) {
        self.file = file
        self.line = line
        self.column = column
        self.severity = severity
        self.text = text
    }

    /// `FILE:LINE:COLUMN: error: TEXT`, as editors and compilers have it.
    package var description: String { "\(file):\(line):\(column): \(severity.rawValue): \(text)" }
}

/// Why a policy cannot be used: every mistake that was found in its file, in the file's order.
package struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    package var mistakes: [PolicyMistake]

    package init(mistakes: [PolicyMistake]) { self.mistakes = mistakes }

    /// One mistake a line.
    package var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// `--since TIME`: how far back.
enum SinceOption {
    static func option(_ help: String) -> Command.Option {
        .init(name: "since", valueName: "TIME", help: help)
    }

    /// The seconds that the option says; nil without it.
    static func seconds(_ invocation: Invocation) throws(CommandFailure) -> Int? {
        guard let text = invocation["since"] else { return nil }
        if let seconds = seconds(text) { return seconds }
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
        let hint = isPlain ? " (\(text)s are seconds, \(text)m minutes)" : ""
        throw .use(
            "'--since' is a time with a unit such as 30s, 10m, 2h, 1d, not '\(text)'\(hint)",
            help: invocation.command.path)
    }

    /// `30s`, `10m`, `2h`, `1d`.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        let digits = text.dropLast()
        guard let unit = text.last.flatMap({ units[$0] }), !digits.isEmpty,
            digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits),
            number <= 100_000_000
        else { return nil }
        return number * unit
    }
}

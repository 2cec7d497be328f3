import PoiseBus

/// What one process of a bus measurement is to do, as words of a command line.
package struct BusEndOrder: Equatable, Sendable {
    /// What an end does.
    package enum Role: String, CaseIterable, Sendable {
        /// Sends or receives as fast as it goes.
        case produce, consume
        /// Sends and waits for the answer; answers.
        case ping, pong
        /// Sends at full speed to one who takes a tenth of it; takes a tenth.
        case press, dawdle
        /// Sends urgent messages, alone or in a flood of low ones; takes them.
        case mix, sort
        /// Waits for a message that does not come.
        case idle
        /// The ends of the loss audit, and who keeps its memory.
        case auditProduce, auditConsume, keep
    }

    package var role: Role
    /// What the role needs to know, by name.
    package var values: [String: Int]

    package init(_ role: Role, _ values: [String: Int] = [:]) {
        self.role = role
        self.values = values
    }

    package subscript(name: String) -> Int { values[name] ?? 0 }

    /// `produce batch=32 bytes=64`.
    package var words: [String] {
        [role.rawValue] + values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// Nil for words that are no order.
    package init?(words: some Sequence<String>) {
        var role: Role?
        var values: [String: Int] = [:]
        for word in words {
            guard role != nil else {
                guard let known = Role(rawValue: word) else { return nil }
                role = known
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Int(parts[1]) else { return nil }
            values[String(parts[0])] = value
        }
        guard let role else { return nil }
        self.init(role, values)
    }

    var layout: LinkLayout { LinkLayout(ringBytes: self["ring"]) }
    var dropsOldest: Bool { self["dropsOldest"] != 0 }
}

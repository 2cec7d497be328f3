/// What the kernel tells of one of its devices (`lib/kobject_uevent.c`).
package struct KernelEvent: Hashable, Sendable {
    /// `add`, `remove`, `change`, `move`, `online`, `offline`, `bind` or `unbind`.
    package enum Action: String, Sendable, CaseIterable {
        case add, remove, change, move, online, offline, bind, unbind
    }

    package var action: Action
    /// The kind of device: `cpu`, `node`, `memory`, `drm`, …
    package var subsystem: String
    /// Its folder below `/sys`, such as `/devices/system/cpu/cpu7`.
    package var path: String

    package init(action: Action, subsystem: String, path: String) {
        self.action = action
        self.subsystem = subsystem
        self.path = path
    }

    /// The CPU that this is about; nil when it is about something else.
    package var cpu: Int? { number(of: "cpu") }

    /// The NUMA node that this is about; nil when it is about something else.
    package var node: Int? { number(of: "node") }

    private func number(of kind: String) -> Int? {
        guard subsystem == kind, let name = path.split(separator: "/").last,
            name.hasPrefix(kind)
        else { return nil }
        let digits = name.dropFirst(kind.count).utf8
        guard !digits.isEmpty, digits.allSatisfy({ (48..<58).contains($0) }) else { return nil }
        return Int(name.dropFirst(kind.count))
    }
}

/// A message of the kernel's: `action@path`, then `KEY=value`, each ending with a zero byte.
package enum KernelEventFormat {
    /// The event in a message; nil when it is none, is of an action that came later, or is not
    /// whole. The message's own first line is not trusted where its fields say otherwise.
    package static func parse(_ bytes: some Collection<UInt8>) -> KernelEvent? {
        guard bytes.count <= 1 << 16, bytes.suffix(1).elementsEqual([0]) else { return nil }
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        guard let head = parts.first, head.contains(UInt8(ascii: "@")) else { return nil }
        var fields: [String: String] = [:]
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = String(decoding: part[..<equals], as: UTF8.self)
            let value = String(decoding: part[part.index(after: equals)...], as: UTF8.self)
            // A key that comes twice could be read in two ways.
            guard fields.updateValue(value, forKey: key) == nil else { return nil }
        }
        guard let word = fields["ACTION"], let action = KernelEvent.Action(rawValue: word),
            let subsystem = fields["SUBSYSTEM"], let path = fields["DEVPATH"],
            path.hasPrefix("/"), head.elementsEqual("\(word)@\(path)".utf8)
        else { return nil }
        return KernelEvent(action: action, subsystem: subsystem, path: path)
    }
}

/// The kernel's files of one `name number` a line (`cpu.stat`, `memory.events`, `cgroup.events`).
package enum CounterFormat {
    /// The numbers by their names; a line of another form is left out.
    package static func parse(_ text: String) -> [String: Int] {
        var values: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = Int(words[1]) { values[String(words[0])] = value }
        }
        return values
    }

    /// One number by its name; nil when there is none.
    package static func number(_ name: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        KernelBytes.line(name, in: bytes).flatMap(KernelBytes.number)
    }

    /// The number of a file that is nothing else (`memory.current`); nil when it is not one.
    package static func single(_ bytes: ArraySlice<UInt8>) -> Int? {
        KernelBytes.number(bytes)
    }
}

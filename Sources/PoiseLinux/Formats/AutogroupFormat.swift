/// The text of `/proc/PID/autogroup` (`sched(7)`), such as `/autogroup-12 nice 0`.
package enum AutogroupFormat {
    /// The nice value; nil when the text is not one.
    package static func parse(_ text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 3, words[0].hasPrefix("/autogroup-"), words[1] == "nice" else {
            return nil
        }
        return Int(words[2]).flatMap { (-20...19).contains($0) ? $0 : nil }
    }

    /// What the kernel takes.
    package static func format(_ nice: Int) -> String { "\(nice)" }
}

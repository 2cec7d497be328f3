/// A label and a text beside it, wrapped to the terminal with the lines below indented.
struct Paragraph {
    var label: String
    var labelWidth: Int

    func lines(_ text: String, _ console: Console) -> [String] {
        let indent = labelWidth + 4
        let room = max(20, console.width - indent)
        let wrapped = DisplayWidth.wrapped(text, to: room)
        let isLong = DisplayWidth.of(label) > labelWidth
        let first = "  " + console.paint(.bold, label)
        let space = String(repeating: " ", count: indent)
        guard !isLong else { return [first] + wrapped.map { space + $0 } }
        return wrapped.enumerated().map { index, line in
            index == 0 ? DisplayWidth.padded(first, to: indent) + line : space + line
        }
    }
}

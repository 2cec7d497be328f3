/// A rectangle of text whose lines are all equally wide, to put beside and under others.
struct TextBlock {
    private(set) var lines: [String]
    let width: Int

    init(_ lines: [String], least: Int = 0) {
        let width = max(least, lines.map(DisplayWidth.of).max() ?? 0)
        self.width = width
        self.lines = lines.map { DisplayWidth.padded($0, to: width) }
    }

    /// The blocks under each other.
    static func stacked(_ blocks: [TextBlock]) -> TextBlock { TextBlock(blocks.flatMap(\.lines)) }

    /// The blocks from left to right with two spaces between, and on as many rows as `width`
    /// columns make of them.
    static func flowing(_ blocks: [TextBlock], within width: Int) -> TextBlock {
        var rows: [[TextBlock]] = []
        var used = 0
        for block in blocks {
            if rows.isEmpty || used + 2 + block.width > width {
                rows.append([block])
                used = block.width
            } else {
                rows[rows.count - 1].append(block)
                used += 2 + block.width
            }
        }
        return stacked(rows.map(beside))
    }

    private static func beside(_ blocks: [TextBlock]) -> TextBlock {
        let height = blocks.map(\.lines.count).max() ?? 0
        return TextBlock(
            (0..<height).map { row in
                blocks.map { block in
                    row < block.lines.count
                        ? block.lines[row] : String(repeating: " ", count: block.width)
                }.joined(separator: "  ")
            })
    }

    /// The block in a frame whose upper border says `title`.
    func framed(_ title: String, glyphs: Glyphs) -> TextBlock {
        let inner = max(width, DisplayWidth.of(title) + 2) + 2
        let rest = String(
            repeating: glyphs.horizontal, count: inner - DisplayWidth.of(title) - 3)
        let corner = { (left: Bool, up: Bool) in
            glyphs.joint(left: left, right: !left, up: up, down: !up)
        }
        let upper =
            corner(false, false) + glyphs.horizontal + " \(title) " + rest + corner(true, false)
        let lower =
            corner(false, true) + String(repeating: glyphs.horizontal, count: inner)
            + corner(true, true)
        let body = lines.map { line in
            glyphs.vertical + " " + DisplayWidth.padded(line, to: inner - 2) + " "
                + glyphs.vertical
        }
        return TextBlock([upper] + body + [lower])
    }
}

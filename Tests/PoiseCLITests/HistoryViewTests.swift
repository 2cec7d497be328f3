import PoiseCLI
import PoiseModel
import Testing

@Suite struct HistoryViewTests {
    private func answer(_ count: Int, every step: Int = 60, gap: Range<Int> = 0..<0) -> JSON {
        let points = (0..<count).filter { !gap.contains($0) }.map { index -> JSON in
            [
                "time": .integer(1_700_000_040 + index * step),
                "usedMillicores": .integer(index * 3000 / count),
                "allocatedMillicores": .integer(index < count / 2 ? 2000 : 4000),
                "demandPeakMillicores": 3500,
            ]
        }
        return [
            "feature": "streaming", "minutesAPoint": .integer(step / 60),
            "points": .array(points),
            "changes": [
                [
                    "time": 1_700_000_040, "beforeMillicores": nil, "afterMillicores": 2000,
                    "cpus": "0-3", "because": "2 whole cores, as wanted",
                ],
                [
                    "time": 1_700_001_000, "beforeMillicores": 2000, "afterMillicores": 4000,
                    "cpus": "0-7",
                    "because":
                        "its load wants 2 → 4 cores: it uses 1.9, waits 34 % of the time\u{1B}[2J",
                ],
            ],
        ]
    }

    private func lines(_ answer: JSON, width: Int = 80, _ glyphs: Glyphs = .unicode) -> [String] {
        HistoryView(answer, console: Capture(width: width, glyphs: glyphs).console).lines
    }

    @Test(arguments: [(3, 60), (40, 80), (72, 80), (72, 79), (192, 200), (1, 80)])
    func `the chart stays within the terminal, and use rises in it`(count: Int, width: Int) {
        let shown = lines(answer(count), width: width)
        for line in shown.prefix(12) { #expect(line.count <= width, "\(line)") }
        #expect(shown[0].hasPrefix("streaming"))
        guard count > 3 else { return }
        let bottom = shown[9]
        #expect(bottom.contains("█"))
        #expect(shown[2].contains("─") && shown[5].contains("─"), "\(shown)")
    }

    @Test func `a time without a daemon stays empty`() {
        let bottom = Array(lines(answer(60, gap: 20..<40))[9].dropFirst(7))
        #expect(bottom[25...38].allSatisfy { $0 == " " })
        #expect(bottom[45] == "█")
    }

    @Test func `changes tell when, how much, where and why, and can do no harm`() {
        let shown = lines(answer(40)).joined(separator: "\n")
        #expect(shown.contains("– → 2"))
        #expect(shown.contains("2 → 4"))
        #expect(shown.contains("its load wants"))
        #expect(!shown.contains("\u{1B}"))
        #expect(shown.contains("wanted 3.5 at most, had 2 to 4"))
    }

    @Test func `plain terminals get plain characters`() {
        let shown = lines(answer(40), .ascii).prefix(12).joined(separator: "\n")
        #expect(shown.utf8.allSatisfy { $0 < 128 })
        #expect(shown.contains("#"))
    }

    @Test func `nothing kept yet is said`() {
        let shown = lines(["feature": "a", "minutesAPoint": 1, "points": [], "changes": []])
        #expect(shown.first == "a: no whole minute is kept of this time yet")
    }
}

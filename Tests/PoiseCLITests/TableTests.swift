import Testing

@testable import PoiseCLI

@Suite struct TableTests {
    private static let example: Table = {
        var table = Table([
            .init("NAME"), .init("N", number: true), .init("EMPTY"), .init("CPUS", wraps: true),
            .init("MORE", extra: true),
        ])
        table.add(["a", "5", "", "0-5,12-17", "x"])
        table.add(["née", "1200", "", "7", "yy"])
        table.add(["日本", "–", "", "", "z"])
        return table
    }()

    @Test func numbersStandRightAndEmptyColumnsAreLeftOut() {
        #expect(
            TableTests.example.lines(width: 80, paint: .none) == [
                "NAME     N  CPUS       MORE",
                "a        5  0-5,12-17  x",
                "née   1200  7          yy",
                "日本     –             z",
            ])
    }

    @Test func aNarrowTableWrapsBeforeItDropsTheExtraColumn() {
        #expect(
            TableTests.example.lines(width: 25, paint: .none) == [
                "NAME     N  CPUS   MORE",
                "a        5  0-5,   x",
                "            12-17",
                "née   1200  7      yy",
                "日本     –         z",
            ])
        #expect(
            TableTests.example.lines(width: 20, paint: .none) == [
                "NAME     N  CPUS",
                "a        5  0-5,",
                "            12-17",
                "née   1200  7",
                "日本     –",
            ])
    }

    @Test(arguments: [
        ("abc", 3), ("", 0), ("\u{1B}[1;34mP 0\u{1B}[0m", 3), ("e\u{301}", 1), ("漢字", 4), ("─│", 2),
    ])
    func widthCountsColumnsAndNotColours(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }

    @Test func wrappingBreaksAfterSpacesAndCommasAndKeepsLongWords() {
        #expect(
            DisplayWidth.wrapped("0-3,8,12-15 and some", to: 8) == ["0-3,8,", "12-15", "and some"])
        #expect(DisplayWidth.wrapped("abcdefghij kl", to: 4) == ["abcdefghij", "kl"])
        #expect(DisplayWidth.wrapped("", to: 4) == [""])
    }

    @Test func coloursChangeNothingButTheColours() {
        var table = Table([.init("STATE"), .init("N", number: true)])
        table.add([.init("running", .good), "1"])
        table.add([.init("failed", .bad), "22"])
        let plain = table.lines(width: 80, paint: .none)
        let coloured = table.lines(width: 80, paint: .colours)
        #expect(coloured.map(DisplayWidth.of) == plain.map(DisplayWidth.of))
        #expect(coloured[1].contains("\u{1B}[32mrunning\u{1B}[0m"))
    }

    @Test(arguments: [
        (["LANG": "C"], 100, false), (["LANG": "en_US.UTF-8"], 100, true),
        (["LANG": "en_US.UTF-8", "LC_ALL": "C"], 100, false),
        (["LC_CTYPE": "C.utf8", "COLUMNS": "72"], 72, true), (["COLUMNS": "0"], 100, false),
        (["COLUMNS": "5"], 40, false), (["COLUMNS": "wide"], 100, false),
    ])
    func theTerminalIsReadFromTheEnvironment(
        variables: [String: String], width: Int, isUTF8: Bool
    ) {
        let terminal = TerminalEnvironment(
            isTerminal: false, columns: nil, environment: { variables[$0] })
        #expect(terminal.width == width)
        #expect(terminal.isUTF8 == isUTF8)
        #expect(!terminal.hasColours)
    }

    @Test func coloursAreForTerminalsAndNotWhereRefused() {
        let colours = { (variables: [String: String]) in
            TerminalEnvironment(isTerminal: true, columns: 80, environment: { variables[$0] })
                .hasColours
        }
        #expect(colours([:]))
        #expect(colours(["NO_COLOR": ""]))
        #expect(!colours(["NO_COLOR": "1"]))
        #expect(!colours(["TERM": "dumb"]))
    }
}

import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseHistory

@Suite("PoiseHistoryTests: folders of records")
struct RecordFolderTests {
    @Test(
        arguments: [
            ("00000001.jsonl", 1), ("99999999.jsonl", 99_999_999), ("100000000.jsonl", 100_000_000),
            ("1.jsonl", nil), ("+1.jsonl", nil), ("+0000001.jsonl", nil), ("-0000001.jsonl", nil),
            ("000000001.jsonl", nil), ("9223372036854775807.jsonl", nil), ("00000001.json", nil),
            (".jsonl", nil), ("0000000\u{661}.jsonl", nil),
        ] as [(String, Int?)])
    func `only a name that a recorder writes is a segment`(name: String, number: Int?) {
        #expect(RecordFolder.number(of: name) == number)
    }

    @Test func `foreign names are neither counted nor in the way of a recorder`() throws {
        let records = try RecordsUnderTest()
        let foreign = ["9223372036854775807.jsonl", "1.jsonl", "+1.jsonl"]
        for name in foreign { try records.put([], in: "\(records.path)/\(name)") }
        defer { for name in foreign { unlink("\(records.path)/\(name)") } }
        records.record(seed: 1, turns: 20)
        #expect(records.names == ["00000001.jsonl"])
        #expect(try records.replay().turns == 20)
    }
}

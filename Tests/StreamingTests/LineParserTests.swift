import PoiseModel
import StreamingCore
import Testing

/// Parses one text and tells the readings as `name time value`.
private func parse(_ text: String, csvHeader: String? = nil) -> (told: [String], malformed: Int) {
    let format: LineFormat
    if let csvHeader {
        guard
            let (layout, _) = CSVLayout.read(
                firstLine: Array(csvHeader.utf8), defaultKey: "file")
        else { return ([], -1) }
        format = .csv(layout)
    } else {
        format = .json(JSONLayout(defaultKey: "file"))
    }
    var parser = LineParser(format: format)
    let batch = parser.parse(Array(text.utf8), partitions: 1)
    return (batch.told, batch.malformed)
}

@Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01 00:00:01", 1_000_000),
    ("2014-04-10 07:15:00.000000", 1_397_114_100_000_000),
    ("2014-04-10T09:15+02:00", 1_397_114_100_000_000),
    ("2014-04-10T07:15:00.5Z", 1_397_114_100_500_000), ("1970-01-02", 86_400_000_000),
    ("1397114100", 1_397_114_100_000_000), ("1397114100.25", 1_397_114_100_250_000),
    ("1397114100250", 1_397_114_100_250_000), ("1397114100250000", 1_397_114_100_250_000),
    ("2000-02-29", 951_782_400_000_000), ("1969-12-31T23:59:59Z", -1_000_000),
])
func timesAreReadInEveryForm(text: String, microseconds: Int) {
    let result = parse("\(text),5", csvHeader: "timestamp,value")
    #expect(result.told == ["file \(EventTime(microseconds: microseconds)) 5.0"])
}

@Test(arguments: [
    "1900-02-29", "2014-13-01", "2014-04-31", "2014-04-10T24:00:00", "2014-04-10T07:60", "tomorrow",
    "2014-04-10T07:15:00X", "2014-04-10T07:15:00+2", "", "-", "1e400", "99999999999999999999999",
])
func whatIsNoTimeIsMalformed(text: String) {
    #expect(parse("\(text),5", csvHeader: "timestamp,value").malformed == 1)
}

@Test(arguments: [
    ("5", 5.0), ("-0.25", -0.25), ("+7", 7), ("1e3", 1000), ("1.5E-3", 0.0015), (".5", 0.5),
    ("5.", 5), ("0.1", 0.1), ("123456789012345678901234567890", 1.2345678901234568e29),
    ("3.141592653589793238462643", 3.141592653589793), ("2.2250738585072014e-308", 0x1p-1022),
    ("9007199254740993", 9007199254740992), ("0.000000000000000000000001", 1e-24),
])
func numbersAreReadAsTheStandardLibraryReadsThem(text: String, value: Double) {
    #expect(parse("0,\(text)", csvHeader: "time,value").told == ["file \(zero) \(value)"])
}

private let zero = EventTime(microseconds: 0)

@Test(arguments: ["", "x", "1x", "1e", "--1", "nan", "inf", "0x10", "1e999", "1 "])
func whatIsNoNumberIsMalformed(text: String) {
    #expect(parse("0,\(text)", csvHeader: "time,value") == ([], 1))
}

@Test(arguments: [
    // key first, last, as a number, escaped, absent
    (#"{"key":"a","time":0,"value":1}"#, ["a Z 1.0"]),
    (#" { "value" : 1 , "time" : "1970-01-01" , "key" : "a" } "#, ["a Z 1.0"]),
    (#"{"id":7,"ts":0,"value":1}"#, ["7 Z 1.0"]),
    (#"{"key":"a\"\u00e9\ud83d\ude00","time":0,"value":1}"#, ["a\"é😀 Z 1.0"]),
    (#"{"time":0,"value":1}"#, ["file Z 1.0"]),
    // several values, and things that are none
    (#"{"host":"h","time":0,"cpu":1,"mem":2}"#, ["h.cpu Z 1.0", "h.mem Z 2.0"]),
    (
        #"{"key":"a","time":0,"value":1,"note":"x","up":true,"tags":{"a":["]}"]},"none":null}"#,
        ["a Z 1.0"]
    ),
])
func jsonLinesBecomeReadings(text: String, told: [String]) {
    let wanted = told.map { $0.replacing(" Z ", with: " \(zero) ") }
    #expect(parse(text) == (wanted, 0))
}

@Test(arguments: [
    "{", "{}", "[]", "x", #"{"time":0}"#, #"{"value":1}"#, #"{"time":0,"value":"1"}"#,
    #"{"time":0,"value":1"#, #"{"time":0,"value":1}}"#, #"{"time":0,"value":1,}"#,
    #"{"time":0 "value":1}"#, #"{time:0}"#, #"{"key":"","time":0,"value":1}"#,
    #"{"key":"\x","time":0,"value":1}"#, #"{"key":"\ud83d","time":0,"value":1}"#,
    #"{"time":0,"value":tru}"#, #"{"time":0,"value":+1}"#, #"{"a":{"b":[}"#, "\u{0}\u{1}",
])
func brokenJSONLinesAreCountedOnce(text: String) {
    let result = parse(text + "\n" + #"{"key":"good","time":0,"value":1}"#)
    #expect(result == (["good \(zero) 1.0"], 1))
}

@Test(arguments: [
    ("timestamp,value", "0,1", ["file Z 1.0"]),
    ("Time,Host,cpu,mem", "0,h,1,2", ["h.cpu Z 1.0", "h.mem Z 2.0"]),
    ("time,host,cpu,mem", "0,h,,text", []),
    ("\"time\",\"key\",\"value\"", "\"0\",\"a,b\",\"1\"", ["a,b Z 1.0"]),
    ("0,5", "0,1", ["file Z 1.0"]), ("0,k,5", "0,k,1", ["k Z 1.0"]),
    ("time,value", "0,1,2", []), ("time,key,value", "0,1", []), ("time,key,value", "0,,1", []),
])
func csvRowsFollowTheirHeader(header: String, row: String, told: [String]) {
    let wanted = told.map { $0.replacing(" Z ", with: " \(zero) ") }
    #expect(parse(row + "\r\n\n", csvHeader: header) == (wanted, wanted.isEmpty ? 1 : 0))
}

@Test(arguments: ["", "value,key", "a,b,c", "0", "0,1,2,3"])
func headerWithoutTimeIsRefused(line: String) {
    #expect(CSVLayout.read(firstLine: Array(line.utf8), defaultKey: "f") == nil)
}

@Test func longestLineIsABound() {
    let long = String(repeating: "9", count: LineParser.longestLine)
    #expect(parse(#"{"time":0,"value":\#(long)}"#).malformed == 1)
    #expect(parse("0,\(long)", csvHeader: "time,value").malformed == 1)
}

/// Random bytes, random cuts of good lines, and good lines with random bytes put in.
@Test(arguments: 0..<40)
func noBytesAtAllCanCrashTheParser(seed: Int) {
    var random = SmallGenerator(seed: UInt64(seed))
    let good = Array(
        #"{"key":"a\u00e9","time":"2014-04-10T07:15:00.5+02:00","v":[1,{"b":2}],"x":-1.5e-3}"#.utf8)
    let row = Array("2014-04-10 07:15:00,\"k\",1.25e10".utf8)
    for format in [
        LineFormat.json(JSONLayout(defaultKey: "f")), FormatFinder.system,
    ] {
        var parser = LineParser(format: format)
        for _ in 0..<200 {
            var bytes = seed % 2 == 0 ? good : row
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            if seed % 5 == 0 { bytes = (0..<64).map { _ in .random(in: 0...255, using: &random) } }
            let batch = parser.parse(bytes + [10] + bytes, partitions: 4)
            #expect(batch.malformed <= batch.lines)
            for told in batch.told { #expect(!told.isEmpty) }
        }
    }
}

struct SmallGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

@Test(arguments: [1, 2, 3, 7, 100])
func lineCutterGivesTheSameLinesHoweverTheBytesCome(size: Int) {
    let text = Array("a\nbb\n\nccc\r\nd".utf8)
    var cutter = LineCutter()
    var out: [UInt8] = []
    for start in stride(from: 0, to: text.count, by: size) {
        out += cutter.cut(Array(text[start..<min(text.count, start + size)]))
    }
    #expect(out + cutter.finish() == text)
}

@Test func lineWithoutEndIsThrownAwayAtTheBound() {
    var cutter = LineCutter()
    let piece = [UInt8](repeating: 65, count: LineParser.longestLine)
    #expect(cutter.cut(piece).isEmpty)
    #expect(cutter.cut(piece).isEmpty)
    #expect(cutter.cut(piece).isEmpty)
    #expect(cutter.takeTooLong() == 1)
    #expect(cutter.cut(Array("rest\ngood\n".utf8)) == Array("good\n".utf8))
}

@Test func linePiecesGiveEveryLineOnce() {
    let text = Array("a\nb\nc\nd".utf8)
    var pieces = LinePieces(text)
    #expect(pieces.count == 4)
    let taken = [pieces.take(1), pieces.take(2), pieces.take(9), pieces.take(1)]
    #expect(taken.map { String(decoding: $0, as: UTF8.self) } == ["a\n", "b\nc\n", "d", ""])
}

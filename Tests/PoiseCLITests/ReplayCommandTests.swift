import Glibc
import PoiseCLI
import PoiseEngine
import PoiseHistory
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@Suite struct ReplayCommandTests {
    private func record(in folder: String, turns: Int) {
        var recorder = TurnRecorder(RecordFolder(folder), version: PoiseVersion.text, run: "r")
        var world = RandomTurns(seed: 6)
        var engine = world.engine()
        for number in 1...turns {
            let (inputs, now) = world.next(for: engine)
            recorder.prepare(engine, turn: number, now: now, wallSeconds: 1_700_000_000)
            let directives = engine.handle(inputs, now: now)
            recorder.add(turn: number, inputs, now: now, directives, plan: engine.plan)
        }
        recorder.flush(world.now)
    }

    @Test func `records that come out the same are counted, with exit code 0`() throws {
        let folder = ScratchFolder()
        record(in: folder.path, turns: 50)
        let capture = Capture(width: 80)
        #expect(capture.run("replay", folder.path) == .done)
        #expect(capture.output.contains("turns               50\n"))
        #expect(capture.output.contains("differences         none\n"))
        let json = Capture()
        #expect(json.run("replay", folder.path + "/00000001.jsonl", "--json") == .done)
        let answer = try JSON.parse(json.output)
        #expect(answer["turns"] == 50)
        #expect(answer["same"] == true)
        #expect(answer["differences"] == [])
    }

    @Test func `a changed record is told with its place, with exit code 1`() throws {
        let folder = ScratchFolder()
        record(in: folder.path, turns: 50)
        let path = folder.path + "/00000001.jsonl"
        var text = try #require(Repository.text(path))
        let place = try #require(text.lastIndex(of: "7"))
        text.replaceSubrange(place...place, with: "8")
        try #require(Repository.write(text, to: path))
        let capture = Capture(width: 80)
        #expect(capture.run("replay", folder.path) == .no)
        #expect(capture.output.contains("00000001.jsonl line "))
        #expect(capture.output.contains("its sum is not that of what was written"))
    }

    @Test(arguments: ["hello", "hello\n", "", "\u{0}\u{1}\u{2}", "{}\n", "\n\n"])
    func `a file that is no record is told as such, with exit code 1`(text: String) throws {
        let folder = ScratchFolder()
        let path = folder.path + "/some.jsonl"
        try #require(Repository.write(text, to: path))
        for words in [["replay", path], ["replay", path, "--json"]] {
            let capture = Capture(width: 80)
            #expect(capture.run(words) == .no)
            #expect(capture.errors.contains("it is no record"))
            #expect(capture.output.isEmpty)
        }
    }

    @Test func `a record without a turn is told as such, with exit code 1`() throws {
        let folder = ScratchFolder()
        record(in: folder.path, turns: 1)
        let path = folder.path + "/00000001.jsonl"
        let text = try #require(Repository.text(path))
        let first = try #require(text.split(separator: "\n").first)
        try #require(Repository.write(first + "\n", to: path))
        let capture = Capture(width: 80)
        #expect(capture.run("replay", path) == .no)
        #expect(capture.errors.contains("it holds no turn"))
    }

    @Test func `a named pipe and a device are refused at once`() throws {
        let folder = ScratchFolder()
        let path = folder.path + "/pipe"
        try #require(mkfifo(path, 0o600) == 0)
        for path in [path, "/dev/zero"] {
            let capture = Capture()
            #expect(capture.run("replay", path) == .no)
            #expect(capture.errors.contains("no regular file"))
        }
    }

    @Test func `no records, and nothing there, are told with what to do`() {
        let folder = ScratchFolder()
        let capture = Capture()
        #expect(capture.run("replay", folder.path) == .no)
        #expect(capture.errors.contains("no records are there (poised keeps them in its"))
        #expect(capture.run("replay", folder.path + "/nowhere") == .no)
        #expect(capture.errors.contains("ENOENT"))
        #expect(capture.run("replay") == .wrongUse)
    }
}

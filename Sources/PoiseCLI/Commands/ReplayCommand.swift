import PoiseHistory
import PoiseModel
import PoiseWire

/// `poise replay`: recorded decisions, computed again.
enum ReplayCommand {
    static let command = Command(
        path: ["replay"], summary: "compute recorded decisions again and compare",
        arguments: [
            .init(
                name: "RECORDS", help: "a file of records, a folder of them, or a state folder",
                value: .file)
        ],
        options: [.json],
        notes: [
            "Exit code 1 when a turn comes out otherwise than it was recorded, or a record is not "
                + "as it was written."
        ],
        examples: [
            .init("poise replay /var/lib/poise", "all that poised has recorded"),
            .init(
                "poise replay /var/lib/poise/_poised/turns/00000007.jsonl --json",
                "one segment, for a program"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let path = invocation.arguments[0]
        let segments: [String]
        do {
            segments = try RecordFolder.segments(at: path)
        } catch {
            throw CommandFailure(.no, "\(error) (name records that you may read)")
        }
        guard !segments.isEmpty else {
            throw CommandFailure(
                .no,
                "reading failed on \(path): no records are there (poised keeps them in its "
                    + "state folder, in \(StateFolder.own)/turns)")
        }
        var replay = Replay(version: PoiseVersion.text)
        var toldAt = Stopwatch.now
        for (index, segment) in segments.enumerated() {
            do {
                try replay.add(segment)
            } catch {
                throw CommandFailure(.no, "\(error) (name records that you may read)")
            }
            // Long work says how far it is.
            if Stopwatch.now - toldAt >= .seconds(2), index + 1 < segments.count {
                toldAt = Stopwatch.now
                console.note(
                    "\(index + 1) of \(segments.count) segments, "
                        + "\(replay.report.turns) turns so far")
            }
        }
        if invocation.wantsJSON {
            console.print(replay.report.json)
        } else {
            for line in ReplayView(replay.report, console: console).lines { console.print(line) }
        }
        return replay.report.isSame ? .done : .no
    }
}

extension ReplayReport {
    var json: JSON {
        [
            "segments": .integer(segments), "turns": .integer(turns), "from": JSON(from),
            "to": JSON(to), "decisionsPerSecond": JSON(decisionsPerSecond),
            "statesCompared": .integer(statesCompared), "same": .bool(isSame),
            "differences": .array(
                differences.map {
                    [
                        "segment": .string($0.segment), "line": .integer($0.line),
                        "turn": .integer($0.turn), "what": .string($0.what),
                        "recorded": .string($0.recorded), "computed": .string($0.computed),
                    ]
                }),
            "damages": .array(damages.map(\.json)), "remarks": .array(remarks.map(\.json)),
        ]
    }
}

extension ReplayReport.Remark {
    var json: JSON {
        ["segment": .string(segment), "line": .integer(line), "text": .string(text)]
    }
}

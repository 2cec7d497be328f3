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
            "Exit code 1 when a turn comes out otherwise than it was recorded, a record is not "
                + "as it was written, or no turn is there."
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
        try check(replay.report, path)
        if invocation.wantsJSON {
            console.print(replay.report.json)
        } else {
            for line in ReplayView(replay.report, console: console).lines { console.print(line) }
        }
        return replay.report.isSame ? .done : .no
    }

    /// Nothing that was compared must not read as nothing that differs.
    private static func check(
        _ report: ReplayReport, _ path: String
    ) throws(CommandFailure) {
        guard report.turns == 0 else { return }
        let first = (report.damages + report.remarks).first.map {
            ": \($0.segment) line \($0.line): \($0.text)"
        }
        guard report.checkpoints > 0 else {
            throw CommandFailure(
                .no,
                "replaying failed on \(path): it is no record\(first ?? "") "
                    + "(name what poised has written)")
        }
        throw CommandFailure(
            .no,
            "replaying failed on \(path): it holds no turn\(first ?? "") "
                + "(name a segment that poised has gone on with)")
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

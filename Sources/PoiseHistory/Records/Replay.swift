import PoiseEngine
package import PoiseLinux
import PoiseModel

/// Computes recorded turns again with the very code that made them, and compares.
///
/// Each segment begins with a whole engine. From one segment to the next of the same run the state
/// that came of the turns is compared with the one that was written; within a segment, what each
/// turn did. After the first difference the rest of a segment would only repeat it.
package struct Replay {
    package private(set) var report = ReplayReport()
    private let version: String

    /// Where the segment before ended.
    private struct End {
        var run: String
        var nextTurn: Int
        var engine: Supervisor
    }

    private var end: End?
    private var engine: Supervisor?
    private var plan: (AllocationPlan, Fingerprint)?
    private var run = ""
    private var last = 0
    /// The wall clock at the monotonic clock's zero.
    private var wallOfZero = 0.0

    /// - Parameter version: of this Poise.
    package init(version: String) { self.version = version }

    /// Computes one segment's turns again and adds what came of it to the report.
    package mutating func add(_ path: String) throws(SystemError) {
        var reader = try SegmentReader(path)
        report.segments += 1
        engine = nil
        let name = path.split(separator: "/").last.map(String.init) ?? path
        do {
            while let step = try reader.next() {
                switch step {
                case .checkpoint(let checkpoint):
                    guard try take(checkpoint, name, reader.line) else { return }
                case .turn(let turn, let inputs):
                    guard try take(turn, inputs, name, reader.line) else { return }
                }
            }
            if let engine { end = End(run: run, nextTurn: last + 1, engine: engine) }
            if reader.line == 0 {
                report.damages.append(.init(segment: name, line: 1, text: "the file is empty"))
            }
        } catch let damage as SegmentReader.Damage {
            note(damage, name)
        } catch let problem as CodingProblem {
            note(SegmentReader.Damage(line: reader.line, text: "\(problem)"), name)
        } catch {
            note(SegmentReader.Damage(line: reader.line, text: "\(error)"), name)
        }
    }

    private mutating func note(_ damage: SegmentReader.Damage, _ segment: String) {
        let text =
            damage.isTorn
            ? "the last line was cut short, as by a crash; it is left out"
            : "\(damage.text); what follows in this segment is not computed"
        let remark = ReplayReport.Remark(segment: segment, line: damage.line, text: text)
        if damage.isTorn { report.remarks.append(remark) } else { report.damages.append(remark) }
    }

    /// False when nothing more can be said of the segment.
    private mutating func take(
        _ checkpoint: RecordLine.Checkpoint, _ segment: String, _ line: Int
    ) throws -> Bool {
        guard checkpoint.format == RecordLine.Checkpoint.format else {
            throw CodingProblem("records of format \(checkpoint.format) are not known here")
        }
        if checkpoint.version != version {
            report.remarks.append(
                .init(
                    segment: segment, line: line,
                    text: "recorded by Poise \(checkpoint.version); this is \(version)"))
        }
        let read = try JSONDecoding.decode(Supervisor.self, from: checkpoint.engine)
        defer { end = nil }
        if let end, end.run == checkpoint.run {
            if end.nextTurn == checkpoint.turn {
                report.statesCompared += 1
                let computed = try JSONEncoding.encode(end.engine)
                if let found = computed.firstDifference(from: checkpoint.engine) {
                    report.differences.append(
                        .init(
                            segment: segment, line: line, turn: checkpoint.turn,
                            what: "state: \(found.path)",
                            recorded: Replay.shortened(found.other),
                            computed: Replay.shortened(found.mine)))
                }
            } else {
                report.remarks.append(
                    .init(
                        segment: segment, line: line,
                        text: "turns \(end.nextTurn) to \(checkpoint.turn - 1) are not recorded"))
            }
        }
        report.checkpoints += 1
        engine = read
        run = checkpoint.run
        last = checkpoint.turn - 1
        plan = (read.plan, Fingerprint(try JSONEncoding.encode(read.plan).description))
        wallOfZero = Double(checkpoint.wallSeconds) - Double(checkpoint.at.nanoseconds) / 1e9
        return true
    }

    private mutating func take(
        _ turn: RecordLine.Turn, _ inputs: [Input], _ segment: String, _ line: Int
    ) throws -> Bool {
        guard var engine else { throw CodingProblem("no checkpoint comes before it") }
        if let text = turn.at.contradiction { throw CodingProblem("at: \(text)") }
        // Held once only, so that a turn copies nothing.
        self.engine = nil
        let begin = MonotonicClock.now
        let directives = engine.handle(inputs, now: turn.at)
        report.deciding += MonotonicClock.now - begin
        report.turns += 1
        let wall = wallOfZero + Double(turn.at.nanoseconds) / 1e9
        report.from = min(report.from ?? wall, wall)
        report.to = max(report.to ?? wall, wall)
        let outcome = try TurnOutcome(directives, plan: engine.plan, before: plan)
        let recorded = TurnOutcome(
            did: turn.did,
            plan: turn.plan.flatMap { Fingerprint(hexadecimal: $0) } ?? plan?.1 ?? Fingerprint())
        if let found = Replay.difference(recorded, outcome, directives) {
            report.differences.append(
                .init(
                    segment: segment, line: line, turn: turn.number, what: found.what,
                    recorded: found.recorded, computed: found.computed))
            return false
        }
        plan = (engine.plan, outcome.plan)
        last = turn.number
        self.engine = engine
        return true
    }

    private static func difference(
        _ recorded: TurnOutcome, _ computed: TurnOutcome, _ directives: [Directive]
    ) -> (what: String, recorded: String, computed: String)? {
        for index in 0..<max(recorded.did.count, computed.did.count) {
            let left = index < recorded.did.count ? recorded.did[index] : "nothing"
            let right = index < computed.did.count ? computed.did[index] : "nothing"
            guard left != right else { continue }
            let text = index < directives.count ? ": \(directives[index].summary)" : ""
            return ("directive \(index + 1)", left, right + text)
        }
        guard recorded.plan != computed.plan else { return nil }
        return ("plan", "\(recorded.plan)", "\(computed.plan)")
    }

    private static func shortened(_ json: JSON?) -> String {
        guard let json else { return "nothing" }
        let text = json.description
        return text.utf8.count <= 200 ? text : "\(text.prefix(200))…"
    }
}

extension Directive {
    /// What a person wants to know of it, on one line.
    fileprivate var summary: String {
        switch self {
        case .adopt(let plan):
            plan.features.map { "\($0.feature) \($0.cpus)" }.joined(separator: ", ")
        case .start(_, let allocation, let generation), .tell(_, let allocation, let generation):
            "CPUs \(allocation.cpus), generation \(generation)"
        case .enforce(let changes):
            changes.map { "\($0.feature) \($0.allocation.cpus)" }.joined(separator: ", ")
        case .note(let event): event.text
        case .serviceLevel(_, let level): level.rawValue
        case .reclaim(_, let bytes), .shrink(_, let bytes): QuantityText.bytes(bytes)
        case .askToStop, .kill, .quit: word
        }
    }
}

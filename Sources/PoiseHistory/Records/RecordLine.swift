import PoiseEngine
import PoiseModel

/// One line of a segment of records.
enum RecordLine {
    /// The first line: the whole engine before the turns that follow.
    case checkpoint(Checkpoint)
    /// The inputs of a turn that have no room in its line, by their fingerprint.
    case apart(String, JSON)
    case turn(Turn)

    struct Checkpoint {
        /// Of the lines, not of Poise.
        static let format = 1
        var format = Checkpoint.format
        /// Of the Poise that wrote it.
        var version: String
        /// Names the daemon's run, so that turns of two runs are not taken for one.
        var run: String
        /// The number of the turn that follows.
        var turn: Int
        var wallSeconds: Int
        var at: Instant
        var engine: JSON
    }

    struct Turn {
        var number: Int
        var at: Instant
        /// A list. Each an input; or only `{"apart": FINGERPRINT}`, for inputs that stand apart.
        var inputs: JSON
        var did: [String]
        /// Nil when the plan is as it was before.
        var plan: String?
    }

    var json: JSON {
        switch self {
        case .checkpoint(let value):
            [
                "at": .integer(value.at.nanoseconds), "checkpoint": value.engine,
                "format": .integer(value.format), "run": .string(value.run),
                "turn": .integer(value.turn), "version": .string(value.version),
                "wallSeconds": .integer(value.wallSeconds),
            ]
        case .apart(let name, let input): ["apart": .string(name), "input": input]
        case .turn(let turn):
            .object(
                [.init("at", .integer(turn.at.nanoseconds))]
                    + (turn.did.isEmpty
                        ? [] : [.init("did", .array(turn.did.map(JSON.string)))])
                    + (turn.inputs == [] ? [] : [.init("in", turn.inputs)])
                    + (turn.plan.map { [.init("plan", .string($0))] } ?? [])
                    + [.init("turn", .integer(turn.number))])
        }
    }

    /// Numbers of turns: one more and one less is a number too.
    private static let turns = 0...1 << 53

    /// Nil when it is no such line.
    init?(_ json: JSON) {
        if let engine = json["checkpoint"] {
            guard let format = json["format"]?.integer, let version = json["version"]?.string,
                let run = json["run"]?.string, let turn = json["turn"]?.integer,
                let wall = json["wallSeconds"]?.integer, let at = json["at"]?.integer,
                RecordLine.turns.contains(turn)
            else { return nil }
            self = .checkpoint(
                Checkpoint(
                    format: format, version: version, run: run, turn: turn, wallSeconds: wall,
                    at: Instant(nanoseconds: at), engine: engine))
        } else if let name = json["apart"]?.string {
            guard let input = json["input"] else { return nil }
            self = .apart(name, input)
        } else {
            guard let number = json["turn"]?.integer, let at = json["at"]?.integer,
                RecordLine.turns.contains(number)
            else { return nil }
            let did = json["did"]?.array ?? []
            self = .turn(
                Turn(
                    number: number, at: Instant(nanoseconds: at),
                    inputs: json["in"] ?? [], did: did.compactMap(\.string),
                    plan: json["plan"]?.string))
        }
    }
}

extension RecordLine.Turn {
    /// The line with inputs whose text is there already: it is most of it, and is not made twice.
    func text(inputs: String) -> String {
        guard inputs != "[]" else { return RecordLine.turn(self).json.description }
        let outcome = did.isEmpty ? "" : #","did":\#(JSON.array(did.map(JSON.string)))"#
        let plan = plan.map { #","plan":"\#($0)""# } ?? ""
        return #"{"at":\#(at.nanoseconds)\#(outcome),"in":\#(inputs)\#(plan),"turn":\#(number)}"#
    }
}

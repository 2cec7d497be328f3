import Glibc
package import PoiseEngine
import PoiseLinux
package import PoiseModel

/// Writes each turn of an engine down, so that it can be computed again.
///
/// Records are in segments, each with the whole engine at its beginning and therefore complete by
/// itself. What is written is gathered for a second; a crash loses that much, and a cut last line
/// is known by its sum. When the disk is full recording stops, says so once, and starts again later
/// with a new segment: it is never in the way of the turns themselves.
package struct TurnRecorder: ~Copyable {
    /// How much is kept, and when it is written.
    package struct Setting: Sendable {
        package var segmentBytes = 1 << 20
        package var mostBytes = 32 << 20
        package var longestAge = 7 * 86_400
        package var bufferBytes = 64 << 10
        package var bufferFor = Duration.seconds(1)
        package var retryAfter = Duration.seconds(60)

        package init() {}
    }

    /// A turn's line is at most so long; inputs that are longer stand apart.
    static let longestTurn = 2048
    private static let roomForInputs = 1200

    package let folder: RecordFolder
    private let setting: Setting
    private let version: String
    private let run: String
    private var file: FileDescriptor?
    private var seal = SealedLine()
    private var number = 0
    /// What the segment has on disk and what it will have.
    private var written = 0
    /// The first line's part of it; it is not what fills a segment, however large the engine is.
    private var checkpointBytes = 0
    private var buffer: [UInt8] = []
    private var bufferedAt: Instant?
    private var apart: Set<String> = []
    private var plan: (AllocationPlan, Fingerprint)?
    private var retryAt: Instant?
    private var news: [String] = []
    private var isFailing = false
    /// How many turns were written or are about to be, and their bytes.
    package private(set) var turns = 0
    package private(set) var bytes = 0

    /// - Parameters:
    ///   - version: of this Poise.
    ///   - run: names this run among all.
    package init(
        _ folder: RecordFolder, version: String, run: String, setting: Setting = Setting()
    ) {
        self.folder = folder
        self.version = version
        self.run = run
        self.setting = setting
    }

    /// What has to be told: that recording stopped, or goes on.
    package mutating func takeNews() -> [String] {
        defer { news = [] }
        return news
    }

    /// Before each turn: begins a segment with the engine as it is, where one is due.
    package mutating func prepare(
        _ engine: Supervisor, turn: Int, now: Instant, wallSeconds: Int
    ) {
        if let retryAt, now < retryAt { return }
        let lines = written + buffer.count - checkpointBytes
        if file != nil, lines < room(after: checkpointBytes) { return }
        flush(now)
        if isFailing, let retryAt, now < retryAt { return }
        do {
            let text = try JSONEncoding.encode(engine)
            plan = (engine.plan, Fingerprint(try JSONEncoding.encode(engine.plan).description))
            let line = RecordLine.checkpoint(
                .init(
                    version: version, run: run, turn: turn, wallSeconds: wallSeconds, at: now,
                    engine: text)
            ).json.description
            try begin(wallSeconds, checkpoint: line.utf8.count)
            checkpointBytes = add(line, now)
        } catch {
            stop("\(error)", now)
        }
    }

    /// After each turn: what came in, and what came of it.
    package mutating func add(
        turn: Int, _ inputs: [Input], now: Instant, _ directives: [Directive],
        plan newPlan: AllocationPlan
    ) {
        guard file != nil else { return }
        do {
            let outcome = try TurnOutcome(directives, plan: newPlan, before: plan)
            let line = RecordLine.Turn(
                number: turn, at: now, inputs: [], did: outcome.did,
                plan: outcome.plan == plan?.1 ? nil : "\(outcome.plan)")
            let text = try shortened(inputs, now)
            plan = (newPlan, outcome.plan)
            bytes += add(line.text(inputs: text), now)
            turns += 1
        } catch {
            stop("\(error)", now)
            return
        }
        if buffer.count >= setting.bufferBytes { flush(now) }
    }

    /// Once a second or so: writes what has waited for long enough.
    package mutating func tick(_ now: Instant) {
        if let bufferedAt, now - bufferedAt >= setting.bufferFor { flush(now) }
    }

    /// Writes all that waits (`write(2)`).
    package mutating func flush(_ now: Instant) {
        bufferedAt = nil
        guard let file, !buffer.isEmpty else { return }
        do {
            try file.writeAll(buffer)
            written += buffer.count
            buffer.removeAll(keepingCapacity: true)
            if isFailing { news.append("turns are recorded again") }
            isFailing = false
            retryAt = nil
        } catch {
            // No half line is left behind.
            _ = ftruncate(file.number, off_t(written))
            stop("\(error)", now)
        }
    }

    /// The bytes of turns that a segment has after a checkpoint of so many: far more, so that most
    /// of what is written is turns, and two segments are within the bound of all.
    private func room(after checkpoint: Int) -> Int {
        min(
            max(setting.segmentBytes, 4 * checkpoint),
            max(checkpoint, setting.mostBytes / 2 - checkpoint))
    }

    private mutating func begin(_ wallSeconds: Int, checkpoint size: Int) throws {
        guard size <= setting.mostBytes / 4 else {
            throw CodingProblem(
                "the state of the engine has \(size) bytes, more than a quarter of the "
                    + "\(setting.mostBytes) that records may have")
        }
        let mostLeft = max(0, setting.mostBytes - size - room(after: size))
        folder.prune(to: mostLeft, longestAge: setting.longestAge, now: wallSeconds)
        let last = max(number, folder.entries().last?.number ?? 0)
        guard last < RecordFolder.mostNumber else {
            throw CodingProblem("\(folder.path(of: last)) has the last number (move it away)")
        }
        number = last + 1
        file = try FileDescriptor.open(
            folder.path(of: number), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW)
        seal = SealedLine()
        apart = []
        written = 0
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func stop(_ because: String, _ now: Instant) {
        if !isFailing {
            let pause = QuantityText.duration(setting.retryAfter)
            news.append("turns are not recorded: \(because); tried again in \(pause)")
        }
        isFailing = true
        retryAt = now + setting.retryAfter
        // A segment without a whole first line is of no use.
        if file != nil, written == 0 { unlink(folder.path(of: number)) }
        file = nil
        buffer = []
        bufferedAt = nil
    }

    @discardableResult
    private mutating func add(_ line: String, _ now: Instant) -> Int {
        let sealed = seal.seal(line)
        buffer += sealed
        if bufferedAt == nil { bufferedAt = now }
        return sealed.count
    }

    /// The text of the inputs, or of their name where they have no room in one line.
    private mutating func shortened(
        _ inputs: [Input], _ now: Instant
    ) throws(CodingProblem) -> String {
        if inputs.isEmpty { return "[]" }
        let coded = try JSONEncoding.encode(inputs)
        let text = coded.description
        guard text.utf8.count > TurnRecorder.roomForInputs else { return text }
        let name = "\(Fingerprint(text))"
        if apart.insert(name).inserted {
            add(RecordLine.apart(name, coded).json.description, now)
        }
        return #"[{"apart":"\#(name)"}]"#
    }
}

/// A protocol as a model: some shared words and some processes that take steps of one shared access
/// each. `Explorer` walks through all orders of their steps.
struct Model {
    var name: String
    /// How many shared words there are, and what is in them first when it is not 0.
    var words: Int
    var initial: [Int: UInt8] = [:]
    /// Each process takes its next step in a turn. It begins, and after a crash begins again, at
    /// step 0 with registers of 0.
    var processes: [(inout Turn) -> Void]
    /// How often each process may be killed.
    var kills: [Int]
    /// How many of its stores a process may not have told the others yet; 0: each is seen at once.
    var buffer = 0
    /// Whether stores may overtake each other (as on ARM), but for those that say `releasing`.
    var storesOvertake = false
    /// What must be reached from everywhere when nobody is killed any more.
    var isOver: (borrowing Shared) -> Bool

    /// The step at which a process has ended.
    static let ended: UInt8 = 255
}

/// What is where: words, then of each process its step, what it sleeps on, kills, registers and
/// stores that wait.
struct Shared {
    static let registers = 10
    static let most = 4
    static let stride = 4 + registers + 2 * most
    /// A store that waits and keeps those after it behind those before it.
    static let wall: UInt8 = 255

    var bytes: [UInt8]
    let words: Int

    func process(_ index: Int) -> Int { words + index * Shared.stride }
    func step(of index: Int) -> UInt8 { bytes[process(index)] }
    func hasStores(_ index: Int) -> Bool { bytes[process(index) + 3] > 0 }

    /// Bit 7 of a store's word says that it may overtake none before it.
    mutating func enqueue(_ index: Int, _ word: UInt8, _ value: UInt8) {
        let base = process(index)
        let at = base + 4 + Shared.registers + 2 * Int(bytes[base + 3])
        bytes[at] = word
        bytes[at + 1] = value
        bytes[base + 3] += 1
    }

    /// Which of a process's stores may be seen next.
    func ready(_ index: Int, overtake: Bool) -> [Int] {
        let base = process(index)
        let count = Int(bytes[base + 3])
        guard count > 0 else { return [] }
        guard overtake else { return [0] }
        let start = base + 4 + Shared.registers
        var found: [Int] = []
        for entry in 0..<count {
            let word = bytes[start + 2 * entry]
            if word == Shared.wall {
                if entry == 0 { found.append(0) }
                break
            }
            let isFirst = (0..<entry).allSatisfy {
                bytes[start + 2 * $0] & 0x7F != word & 0x7F
            }
            if entry == 0 || (isFirst && word & 0x80 == 0) { found.append(entry) }
        }
        return found
    }

    /// The others see one of a process's stores.
    mutating func show(_ index: Int, _ entry: Int) {
        let base = process(index)
        let start = base + 4 + Shared.registers
        let count = Int(bytes[base + 3])
        let word = bytes[start + 2 * entry]
        if word != Shared.wall { bytes[Int(word & 0x7F)] = bytes[start + 2 * entry + 1] }
        for at in (start + 2 * entry)..<(start + 2 * count) {
            bytes[at] = at + 2 < start + 2 * count ? bytes[at + 2] : 0
        }
        bytes[base + 3] -= 1
    }
}

/// One process's step: at most one access to what is shared.
struct Turn {
    var shared: Shared
    let me: Int
    let buffer: Int
    /// The step cannot be taken now.
    var isBlocked = false
    /// What must not be.
    var failure: String?

    init(_ shared: Shared, _ me: Int, _ buffer: Int) {
        self.shared = shared
        self.me = me
        self.buffer = buffer
    }

    private var base: Int { shared.process(me) }

    var step: UInt8 {
        get { shared.bytes[base] }
        set { shared.bytes[base] = newValue }
    }
    subscript(register: Int) -> UInt8 {
        get { shared.bytes[base + 4 + register] }
        set { shared.bytes[base + 4 + register] = newValue }
    }

    mutating func fail(_ text: String) { failure = text }

    /// What this process sees in a word: its own last store, else what all see.
    func load(_ word: Int) -> UInt8 {
        let start = base + 4 + Shared.registers
        for entry in (0..<Int(shared.bytes[base + 3])).reversed()
        where shared.bytes[start + 2 * entry] & 0x7F == UInt8(word)
            && shared.bytes[start + 2 * entry] != Shared.wall
        {
            return shared.bytes[start + 2 * entry + 1]
        }
        return shared.bytes[word]
    }

    mutating func store(_ word: Int, _ value: UInt8, releasing: Bool = false) {
        if buffer == 0 { return shared.bytes[word] = value }
        guard Int(shared.bytes[base + 3]) < buffer else { return isBlocked = true }
        shared.enqueue(me, UInt8(word) | (releasing ? 0x80 : 0), value)
    }

    /// Stores after this are seen after those before it.
    mutating func releaseFence() {
        guard buffer > 0 else { return }
        guard Int(shared.bytes[base + 3]) < buffer else { return isBlocked = true }
        shared.enqueue(me, Shared.wall, 0)
    }

    /// All see what this process has stored (a full barrier).
    mutating func fence() { if shared.hasStores(me) { isBlocked = true } }

    /// A barrier on another process, as `membarrier(2)` makes one.
    mutating func barrier(on other: Int) { if shared.hasStores(other) { isBlocked = true } }

    /// An exchange that all see at once; whether it found what it expected.
    mutating func exchange(_ word: Int, _ expected: UInt8, _ new: UInt8) -> Bool {
        fence()
        guard !isBlocked, shared.bytes[word] == expected else { return false }
        shared.bytes[word] = new
        return true
    }

    mutating func add(_ word: Int, _ amount: UInt8) {
        fence()
        if !isBlocked { shared.bytes[word] &+= amount }
    }

    /// Sleeps when a word has a value still (`FUTEX_WAIT`).
    mutating func sleep(on word: Int, _ value: UInt8) {
        fence()
        if !isBlocked, shared.bytes[word] == value { shared.bytes[base + 1] = UInt8(word) + 1 }
    }

    /// Wakes all who sleep on a word (`FUTEX_WAKE`).
    mutating func wake(_ word: Int) {
        fence()
        guard !isBlocked else { return }
        var index = shared.words + 1
        while index < shared.bytes.count {
            if shared.bytes[index] == UInt8(word) + 1 { shared.bytes[index] = 0 }
            index += Shared.stride
        }
    }
}

/// Walks through all orders of a model's steps, all moments at which stores are seen, and all
/// kills.
struct Explorer {
    struct Finding {
        var states = 0
        /// What is wrong and the steps to it; nil when nothing is.
        var failure: String?
    }

    private let model: Model
    private var numbers: [[UInt8]: Int32] = [:]
    private var states: [[UInt8]] = []
    private var parents: [(Int32, String)] = []
    /// Steps that are no kills, backwards: for whether the end can be reached.
    private var edges: [(to: Int32, from: Int32)] = []

    private init(_ model: Model) { self.model = model }

    /// Everything that `model` can do, or as much as it takes to find something wrong.
    static func explore(_ model: Model, most: Int = 2_000_000) -> Finding {
        var explorer = Explorer(model)
        return explorer.run(most)
    }

    private mutating func run(_ most: Int) -> Finding {
        var bytes = [UInt8](
            repeating: 0, count: model.words + model.processes.count * Shared.stride)
        for (word, value) in model.initial { bytes[word] = value }
        _ = note(bytes, from: -1, "")
        var next = 0
        while next < states.count {
            if states.count > most { return Finding(states: states.count, failure: "too large") }
            if let text = expand(Int32(next)) {
                return Finding(states: states.count, failure: told(text, Int32(next)))
            }
            next += 1
        }
        return Finding(states: states.count, failure: stuck())
    }

    private mutating func note(_ bytes: [UInt8], from: Int32, _ what: String) -> Int32 {
        if let known = numbers[bytes] { return known }
        let number = Int32(states.count)
        numbers[bytes] = number
        states.append(bytes)
        parents.append((from, what))
        return number
    }

    /// All steps from a state; what went wrong in one of them.
    private mutating func expand(_ number: Int32) -> String? {
        let shared = Shared(bytes: states[Int(number)], words: model.words)
        for index in model.processes.indices {
            for entry in shared.ready(index, overtake: model.storesOvertake) {
                var after = shared
                after.show(index, entry)
                edges.append((note(after.bytes, from: number, "\(index) shows"), number))
            }
            let step = shared.step(of: index)
            guard step != Model.ended else { continue }
            if Int(shared.bytes[shared.process(index) + 2]) < model.kills[index] {
                _ = note(killed(shared, index), from: number, "\(index) dies before \(step)")
            }
            guard shared.bytes[shared.process(index) + 1] == 0 else { continue }
            var turn = Turn(shared, index, model.buffer)
            model.processes[index](&turn)
            if let failure = turn.failure { return "\(failure) (\(index) at \(step))" }
            if turn.isBlocked { continue }
            edges.append((note(turn.shared.bytes, from: number, "\(index) does \(step)"), number))
        }
        return nil
    }

    /// What a process has stored stays; all else of it begins anew.
    private func killed(_ shared: Shared, _ index: Int) -> [UInt8] {
        var after = shared
        while after.hasStores(index) { after.show(index, 0) }
        let base = after.process(index)
        after.bytes[base] = 0
        after.bytes[base + 1] = 0
        after.bytes[base + 2] += 1
        for register in 0..<Shared.registers { after.bytes[base + 4 + register] = 0 }
        return after.bytes
    }

    /// A state from which the end cannot be reached without a kill.
    private mutating func stuck() -> String? {
        edges.sort { $0.to < $1.to }
        var starts = [Int](repeating: edges.count, count: states.count + 1)
        for (position, edge) in edges.enumerated().reversed() { starts[Int(edge.to)] = position }
        for index in starts.indices.dropLast().reversed() where starts[index] == edges.count {
            starts[index] = starts[index + 1]
        }
        var reaches = [Bool](repeating: false, count: states.count)
        var open: [Int] = []
        for index in states.indices
        where model.isOver(Shared(bytes: states[index], words: model.words)) {
            reaches[index] = true
            open.append(index)
        }
        while let index = open.popLast() {
            for edge in edges[starts[index]..<starts[index + 1]] where !reaches[Int(edge.from)] {
                reaches[Int(edge.from)] = true
                open.append(Int(edge.from))
            }
        }
        guard let lost = reaches.firstIndex(of: false) else { return nil }
        return told("the end cannot be reached", Int32(lost))
    }

    private func told(_ text: String, _ number: Int32) -> String {
        var steps: [String] = []
        var at = number
        while at > 0 {
            steps.append(parents[Int(at)].1)
            at = parents[Int(at)].0
        }
        let words = states[Int(number)].prefix(model.words).map(String.init)
        return "\(model.name): \(text) after: " + steps.reversed().joined(separator: ", ")
            + "; words " + words.joined(separator: " ")
    }
}

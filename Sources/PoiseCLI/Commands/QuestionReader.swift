import PoiseEngine
import PoiseModel
import PoisePolicyFile

/// Reads what `poise why-not` is asked: `4 performance cores`, `memory=8GiB`, `running`.
enum QuestionReader {
    static let forms =
        "'4 performance cores', cores=4, performance=4, memory=8GiB, node=1, cpus=4-7, gpu=8GiB,"
        + " npu=50%, running"

    static func read(_ words: [String]) throws(CommandFailure) -> Question {
        let text = words.joined(separator: " ")
        let parts = text.split(separator: " ").map(String.init)
        if parts == ["running"] || parts == ["run"] { return .running }
        if parts.count == 1, let equals = parts[0].firstIndex(of: "=") {
            let value = String(parts[0][parts[0].index(after: equals)...])
            return try question(String(parts[0][..<equals]), value)
        }
        if let last = parts.last, ["core", "cores"].contains(last), parts.count == 2 {
            return .cores(nil, try amount(parts[0], .cores, "cores"))
        }
        if let last = parts.last, ["core", "cores"].contains(last), parts.count == 3 {
            let coreClass = try coreClass(parts[1])
            return .cores(coreClass, try amount(parts[0], .cores, parts[1]))
        }
        throw unknown(text)
    }

    private static func question(
        _ key: String, _ value: String
    ) throws(CommandFailure) -> Question {
        switch key {
        case "cores": return .cores(nil, try amount(value, .cores, key))
        case "memory": return .memory(try amount(value, .memory, key))
        case "gpu": return .gpu(try amount(value, .memory, key))
        case "npu": return .npu(try amount(value, .percent, key))
        case "node":
            guard let number = Int(value), number >= 0 else {
                throw wrong("node=\(value)", "a node is a number", "node=1")
            }
            return .node(number)
        case "cpus":
            guard let cpus = CPUSet(value), !cpus.isEmpty else {
                throw wrong("cpus=\(value)", "it is no list of CPUs", "cpus=4-7,9")
            }
            return .cpus(cpus)
        default:
            let isClass = CoreClass.allCases.contains { named($0, key) }
            guard isClass else { throw unknown("\(key)=\(value)") }
            return .cores(try coreClass(key), try amount(value, .cores, key))
        }
    }

    private static func named(_ coreClass: CoreClass, _ word: String) -> Bool {
        coreClass.rawValue.lowercased() == word.lowercased().filter { $0 != "-" }
    }

    private static func coreClass(_ word: String) throws(CommandFailure) -> CoreClass {
        guard let found = CoreClass.allCases.first(where: { named($0, word) }) else {
            let known = CoreClass.allCases.map(\.rawValue)
            let hint = Nearest.hint(for: word, among: known)
            throw .use("there are no '\(word)' cores\(hint)", help: ["why-not"])
        }
        return found
    }

    private static func amount(
        _ text: String, _ quantity: Quantity, _ key: String
    ) throws(CommandFailure) -> Int {
        let amount: Int
        do throws(Quantity.Mistake) {
            amount = try quantity.amount(text)
        } catch {
            throw .use("reading failed on \(key): \(error.text)", help: ["why-not"])
        }
        guard amount > 0 else {
            throw wrong("\(key)=\(text)", "nothing is asked for", "\(key)=1")
        }
        return amount
    }

    private static func wrong(
        _ text: String, _ why: String, _ example: String
    ) -> CommandFailure {
        .use("reading failed on '\(text)': \(why), such as \(example)", help: ["why-not"])
    }

    private static func unknown(_ text: String) -> CommandFailure {
        .use("'\(text)' is nothing that can be asked for; write one of \(forms)", help: ["why-not"])
    }
}

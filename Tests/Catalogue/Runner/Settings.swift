import CatalogueKit

/// What the runner was asked for.
struct Settings {
    var names: [String] = []
    /// Where the libraries of the plugins are; nil builds them.
    var plugins: String?
    /// Where poised and poise-host are; nil is beside this program.
    var programs: String?
    var backend = "auto"
    /// Uses the installed service instead of a poised of its own.
    var isService = false
    var runs = 1
    var isJSON = false
    /// Microseconds from one piece of a victim's work to the next, and its size.
    var period = 1000
    var work = 20000
    /// Seconds before the harm, and at least so many after it.
    var before = 2.0
    var during = 3.0
    /// How many times longer everything may take than on a real machine.
    var slowness = 1.0
    /// The most that poised may ever have resident, in MiB.
    var mostResident = 25.0
    var layout = CataloguePolicy.Layout.sharing
    var keeps = false
    var isList = false

    static let usage = """
        usage: catalogue [NAME...] [--list] [--json] [--runs N] [--before S] [--during S]
                         [--plugins DIR] [--programs DIR] [--backend NAME] [--service]
                         [--period US] [--work TURNS] [--slowness N] [--most-resident MIB]
                         [--layout sharing|lending] [--keep]

        Runs each bad plugin beside two well-behaved ones under a poised of its own, and tells what
        was done, how long it took, and what the others noticed. Exit code 1: a rule was broken.

          --service        the installed service instead of a poised of its own (as root)
          --layout NAME    sharing: the bad one shares CPUs with a victim; lending: it has a core
                           of its own, which a fourth feature gets when it fails
          --before S       seconds that are measured before the harm (default: 2)
          --during S       seconds that are measured after it, at least (default: 3)
          --runs N         so many runs of each; the table has the medians
          --period US      microseconds between two pieces of a victim's work (default: 1000)
          --work TURNS     the size of one piece (default: 20000)
          --slowness N     everything may take so many times longer (an emulated machine)
          --most-resident  MiB that poised may have resident at most (default: 25)
          --keep           leaves the folders of the runs

        """

    enum Stop: Error {
        case help
        case wrong(String)
    }

    init(_ words: [String]) throws {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": throw Stop.help
            case "--list": isList = true
            case "--json": isJSON = true
            case "--service": isService = true
            case "--keep": keeps = true
            case _ where word.hasPrefix("--"):
                guard let value = rest.popFirst() else { throw Stop.wrong("\(word) lacks a value") }
                try set(word, value)
            default:
                guard BadPlugin.all.contains(where: { $0.name == word }) else {
                    throw Stop.wrong("there is no plugin \(word) (see --list)")
                }
                names.append(word)
            }
        }
    }

    private mutating func set(_ word: String, _ value: String) throws {
        switch word {
        case "--plugins": plugins = value
        case "--layout":
            guard let known = CataloguePolicy.Layout(rawValue: value) else {
                throw Stop.wrong("--layout is sharing or lending, not \(value)")
            }
            layout = known
        case "--programs": programs = value
        case "--backend": backend = value
        case "--runs": runs = Int(try positive(word, value))
        case "--period": period = Int(try positive(word, value))
        case "--work": work = Int(try positive(word, value))
        case "--before": before = try positive(word, value)
        case "--during": during = try positive(word, value)
        case "--slowness": slowness = try positive(word, value)
        case "--most-resident": mostResident = try positive(word, value)
        default: throw Stop.wrong("there is no option \(word)")
        }
    }

    private func positive(_ word: String, _ value: String) throws -> Double {
        guard let number = Double(value), number > 0, number < 1e9 else {
            throw Stop.wrong("\(word) takes a number above 0, not \(value)")
        }
        return number
    }

    var chosen: [BadPlugin] {
        names.isEmpty ? BadPlugin.all : BadPlugin.all.filter { names.contains($0.name) }
    }
}

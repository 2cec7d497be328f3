import CatalogueKit
import Glibc
import PoiseModel

// Runs the catalogue of bad plugins and tells what became of them and of their victims.

func runAll(_ settings: Settings) throws -> Int32 {
    var plugins = settings.plugins ?? Programs.own + "/catalogue-c"
    if !plugins.hasPrefix("/"), let here = getcwd(nil, 0) {
        plugins = String(cString: here) + "/" + plugins
        free(here)
    }
    if settings.plugins == nil {
        let folder = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
        try Programs.run("/\(folder)/build-plugins", [plugins])
    }
    var findings: [[Finding]] = []
    for plugin in settings.chosen {
        var runs: [Finding] = []
        for _ in 0..<settings.runs {
            runs.append(try OneRun.run(plugin, plugins: plugins, settings))
        }
        findings.append(runs)
        let bad = runs.flatMap(\.broken)
        complain("\(plugin.name): " + (bad.isEmpty ? "as it should be" : "\(bad)"))
    }
    if settings.isJSON {
        print(JSON.array(findings.flatMap { $0 }.map(\.json)))
    } else {
        print(CatalogueTable(findings).text, terminator: "")
    }
    return findings.joined().contains { !$0.broken.isEmpty } ? 1 : 0
}

func complain(_ text: String) {
    let line = Array("catalogue: \(text)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

do {
    let settings = try Settings(Array(CommandLine.arguments.dropFirst()))
    if settings.isList {
        for plugin in BadPlugin.all { print(plugin.name) }
        exit(0)
    }
    exit(try runAll(settings))
} catch Settings.Stop.help {
    print(Settings.usage, terminator: "")
} catch Settings.Stop.wrong(let text) {
    complain("wrong use: \(text) (see catalogue --help)")
    exit(2)
} catch {
    complain(error)
    exit(3)
}

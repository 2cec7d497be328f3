import PoiseModel
import PoisePolicyFile
import Testing

@Suite("Mistakes are told with their place")
struct MistakeTests {
    @Test(arguments: topLevel)
    func ofTheWholePolicy(_ lines: String, _ expected: [String]) {
        #expect(mistakes(in: policy(top: lines)) == expected)
    }

    static let topLevel: [(String, [String])] = [
        ("", []),
        (
            "rebalanse: {}",
            ["p.yaml:5:1: error: unknown key 'rebalanse'; did you mean 'rebalance'?"]
        ),
        (
            "colour: red",
            [
                "p.yaml:5:1: error: unknown key 'colour'; known are version, name, reserve, "
                    + "features, rebalance, levels, supervision, bus"
            ]
        ),
        ("name: q", ["p.yaml:5:1: error: the key 'name' was already given in line 2"]),
        (
            "rebalance: { forecast: { season: 24h, step: 1s } }",
            [
                "p.yaml:5:24: error: rebalance.forecast cuts a season into 86400 steps (2 to 10080 "
                    + "are taken)"
            ]
        ),
        (
            "rebalance: { every: 100, deadband: 5 }",
            [
                "p.yaml:5:21: error: rebalance.every: '100' has no unit (write it as 50us, 100ms, "
                    + "2s, 1m or 1h)",
                "p.yaml:5:36: error: rebalance.deadband: '5' has no unit (write it as 25%)",
            ]
        ),
        (
            "rebalance: { every: 1ms, growAtOnce: yes }",
            [
                "p.yaml:5:21: error: rebalance.every 1ms is too short (at least 10ms)",
                "p.yaml:5:38: error: rebalance.growAtOnce must be true or false, not the text "
                    + "'yes' (YAML 1.2 takes it for a text; write true)",
            ]
        ),
        (
            "rebalance: { growAtOnce: 'true' }",
            [
                "p.yaml:5:26: error: rebalance.growAtOnce must be true or false, "
                    + "not the text 'true'"
            ]
        ),
        (
            "levels:",
            ["p.yaml:5:1: error: levels is empty (leave the key out or give it a value)"]
        ),
        (
            "levels: { reduced: { }, full: { cpuPressure: 1% } }",
            [
                "p.yaml:5:20: error: levels.reduced must give one of cpuPressure, memoryPressure, "
                    + "openBreakers, temperature",
                "p.yaml:5:25: error: unknown key 'full' in levels; known are reduced, essential, "
                    + "emergency",
            ]
        ),
        (
            "levels: { reduced: { cpuPressure: 0% }, essential: { cpuPressure: 101% } }",
            [
                "p.yaml:5:35: error: levels.reduced.cpuPressure must be at least 1%: 0% is always "
                    + "reached",
                "p.yaml:5:67: error: levels.essential.cpuPressure: '101%' is too large (at most "
                    + "100%)",
            ]
        ),
        (
            "levels: { reduced: { cpuPressure: 60% }, essential: { cpuPressure: 50% } }",
            [
                "p.yaml:5:68: warning: levels.essential.cpuPressure 50% is not more than "
                    + "levels.reduced.cpuPressure 60%, so the milder level is never used"
            ]
        ),
        (
            "levels: { reduced: { temperature: 200 }, essential: { openBreakers: 0 } }",
            [
                "p.yaml:5:35: error: levels.reduced.temperature must be a whole number from 30 to "
                    + "150, not the number 200",
                "p.yaml:5:69: error: levels.essential.openBreakers must be a whole number from 1 "
                    + "to 1024, not the number 0",
            ]
        ),
        (
            "levels: { reduced: { temperature: 90 }, emergency: { temperature: 85 } }",
            [
                "p.yaml:5:67: warning: levels.emergency.temperature 85 is not more than "
                    + "levels.reduced.temperature 90, so the milder level is never used"
            ]
        ),
        (
            "<<: { name: x }",
            [
                "p.yaml:5:1: error: merge keys ('<<') are not taken (write the keys out, or give a "
                    + "whole value by an alias)"
            ]
        ),
        ("? [a]\n: b", ["p.yaml:5:3: error: a key must be a name, not a list"]),
    ]

    @Test(arguments: inAFeature)
    func ofAFeature(_ lines: String, _ expected: [String]) {
        #expect(mistakes(in: policy(feature: lines)) == expected)
    }

    static let inAFeature: [(String, [String])] = [
        (
            "    cores: { performance: { mni: 1, want: 2 } }",
            [
                "p.yaml:7:29: error: unknown key 'mni' in features.a.cores.performance; did you "
                    + "mean 'min'?"
            ]
        ),
        (
            "    cores: { performance: { min: 3, want: 2, max: 1 } }",
            [
                "p.yaml:7:34: error: features.a.cores.performance: min 3 is more than want 2 "
                    + "(min ≤ want ≤ max)",
                "p.yaml:7:43: error: features.a.cores.performance: want 2 is more than max 1 "
                    + "(min ≤ want ≤ max)",
            ]
        ),
        (
            "    cores: { efficiency: { min: 3, max: 2500m } }",
            [
                "p.yaml:7:33: error: features.a.cores.efficiency: min 3 is more than max 2500m "
                    + "(min ≤ want ≤ max)"
            ]
        ),
        (
            "    cores: { performance: 3GiB }",
            [
                "p.yaml:7:27: error: features.a.cores.performance: '3GiB' is no number of cores: "
                    + "unknown unit 'GiB' (write 3, 0.5 or 750m)"
            ]
        ),
        (
            "    cores: { performance: {} }",
            [
                "p.yaml:7:27: error: features.a.cores.performance asks for nothing: give at least "
                    + "one of min, want and max"
            ]
        ),
        (
            "    cores: 3",
            [
                "p.yaml:7:12: error: features.a.cores must be a mapping of keys to values, not the "
                    + "number 3"
            ]
        ),
        (
            "    cores: { performance: { min: 0.5, want: 1 }, sharing: exclusive }",
            [
                "p.yaml:7:59: warning: features.a.cores.sharing is exclusive, but a min below one "
                    + "core is always shared (raise each min to 1 or more, leave out classes of "
                    + "which none are wanted, or write shared)"
            ]
        ),
        (
            "    memory: 512 apples",
            [
                "p.yaml:7:13: error: features.a.memory: '512 apples' is no amount of memory: "
                    + "unknown unit 'apples' (write it as 512MiB, 8GiB or 1GB)"
            ]
        ),
        (
            "    memory: 512 MiB",
            ["p.yaml:7:13: error: features.a.memory: '512 MiB' has a space in it (write 512MiB)"]
        ),
        (
            "    memory: { min: 512Mib, want: 1.5GiB, max: 8 }",
            [
                "p.yaml:7:20: error: features.a.memory.min: '512Mib' is no amount of memory: "
                    + "unknown unit 'Mib' (did you mean 512MiB?)",
                "p.yaml:7:34: error: features.a.memory.want: '1.5GiB' is no whole number (write it "
                    + "in a smaller unit)",
                "p.yaml:7:47: error: features.a.memory.max: '8' has no unit (write it as 512MiB, "
                    + "8GiB or 1GB)",
            ]
        ),
        (
            "    memory: { min: 1MiB, locality: strikt }\n    priority: 101",
            [
                "p.yaml:7:36: error: features.a.memory.locality cannot be 'strikt'; did you mean "
                    + "'strict'?",
                "p.yaml:8:15: error: features.a.priority must be a whole number from 0 to 100, not "
                    + "the number 101",
            ]
        ),
        (
            "    priority: 1",
            ["p.yaml:5:3: error: the feature 'a' asks for nothing: give it cores or memory"]
        ),
        (
            "    cores: { performance: 0 }\n    gpu: { memory: 1GiB }",
            ["p.yaml:5:3: error: the feature 'a' asks for nothing: give it cores or memory"]
        ),
        (
            "    memory: 1MiB\n    breaker: { open: 90s, halfOpenBudget: 0% }",
            [
                "p.yaml:8:22: error: features.a.breaker: open 90s is more than openMax 60s (a "
                    + "default)",
                "p.yaml:8:43: error: features.a.breaker.halfOpenBudget must be at least 1%: with "
                    + "0% nothing can be tried",
            ]
        ),
        (
            "    memory: 1MiB\n    config: { inf: .inf, old: [Yes] }",
            [
                "p.yaml:8:20: error: features.a.config.inf: .inf is no finite number",
                "p.yaml:8:32: warning: features.a.config.old[0]: Yes is a text in YAML 1.2 (write "
                    + "true or false, or put it in quotes)",
            ]
        ),
        (
            "    memory: 1MiB\n    config: { a: { b: 1, b: 2 } }\n    slo: { latencyP99: 0 }",
            [
                "p.yaml:8:26: error: the key 'b' was already given in line 8",
                "p.yaml:9:24: error: features.a.slo.latencyP99 0 is too short (at least 1us)",
            ]
        ),
        (
            "    memory: !!str 1MiB",
            [
                "p.yaml:7:13: error: the tag 'tag:yaml.org,2002:str' is not taken (a policy needs "
                    + "no tags: leave it out)"
            ]
        ),
        (
            "    memory: 1MiB\n    command: [a, 1]\n    unit: nginx",
            [
                "p.yaml:8:5: error: the feature 'a' has a plugin already: leave out the command",
                "p.yaml:8:18: error: features.a.command[1] must be a text, not the number 1 (write "
                    + "\"1\" in quotes)",
                "p.yaml:9:5: error: the feature 'a' has a plugin already: leave out the unit",
                "p.yaml:9:11: error: 'nginx' is no unit that a budget can be put on (it ends with "
                    + ".service, .scope, .slice, such as nginx.service)",
            ]
        ),
        (
            "    memory: 1MiB\n  a: { unit: x.service, memory: 1MiB }",
            ["p.yaml:8:3: error: the feature 'a' was already given in line 5"]
        ),
        (
            "    memory: 1MiB\n  -b: { memory: 1MiB, command: [] }",
            [
                "p.yaml:8:3: error: '-b' cannot name a feature (1 to 64 of a-z A-Z 0-9 - _ ., "
                    + "beginning with a letter or digit)",
                "p.yaml:8:32: error: features.-b.command is an empty list (name the program)",
            ]
        ),
        (
            "    memory: 1MiB\n  b: { memory: 1MiB }\n  c: { plugin: ../x, memory: 1MiB }\n"
                + "  d: { plugin: .., memory: 1MiB }",
            [
                "p.yaml:8:3: error: the feature 'b' runs nothing: give it a plugin, a command or a "
                    + "unit",
                "p.yaml:10:16: error: '..' cannot name a plugin (write a name such as streaming, "
                    + "a name and a version such as streaming@2, or a path with a '/' in it)",
            ]
        ),
    ]

    @Test func aPolicyWithoutItsFirstKeysSaysWhichAreMissing() {
        #expect(
            mistakes(in: "reserve: { cores: 0 }\nversion: 2") == [
                "p.yaml:1:1: error: the key 'features' is missing (name at least one)",
                "p.yaml:1:1: error: the key 'name' is missing (name the policy)",
                "p.yaml:1:19: warning: no cores are reserved: the operating system has no time of "
                    + "its own (reserve a fraction of a core at least, such as "
                    + "'reserve: { cores: 0.2 }')",
                "p.yaml:2:10: error: version must be 1, not the number 2",
            ])
    }

    @Test func warningsDoNotKeepAPolicyFromUse() throws {
        let text = "version: 1\nname: p\nfeatures: { a: { plugin: x, memory: 1MiB } }"
        let reading = Policy.read(Array(text.utf8), name: "p")
        #expect(reading.policy != nil)
        #expect(reading.warnings.map(\.line) == [1])
        #expect(try Policy.parse(Array(text.utf8), name: "p").features.count == 1)
    }

    @Test func theErrorHoldsEveryMistakeOneALine() {
        #expect(throws: PolicyError.self) {
            try Policy.parse(Array("version: 2\nname: 3".utf8), name: "p")
        }
        let list = Policy.read(Array("version: 2\nname: 3".utf8), name: "p").mistakes
        let lines = PolicyError(mistakes: list).description.split(separator: "\n")
        #expect(lines.count == list.count)
        #expect(
            lines.last
                == "p:2:7: error: name must be a text, not the number 3 (write \"3\" in quotes)")
    }

    @Test func oneMistakeBehindManyAliasesIsToldOnce() {
        let features = (1...50).map { "  f\($0): *shape" }.joined(separator: "\n")
        let text = policy(feature: "    memory: 1MiB\n    priority: high").replacing(
            "  a:", with: "  a: &shape")
        #expect(mistakes(in: text + "\n" + features).count == 51)
    }
}

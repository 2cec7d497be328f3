import PoiseModel
import PoisePolicyFile
import Testing

@Suite("Health of a feature in a policy")
struct HealthTests {
    /// A policy with three features; `health` is of the first (indented by six).
    private func text(_ health: String, others: String = "") -> String {
        """
        version: 1
        name: p
        reserve: { cores: 1 }
        features:
          web:
            plugin: streaming
            cores: { performance: 1 }
            health:
        \(health)
          store: { plugin: streaming, cores: { performance: 1 } }
        \(others)
        """
    }

    private func health(_ lines: String) throws -> HealthPolicy {
        let reading = Policy.read(Array(text(lines).utf8), name: "p.yaml")
        let policy = try #require(reading.policy, "\(reading.mistakes)")
        return try #require(policy.features.first { $0.id.name == "web" }).health
    }

    private func told(_ lines: String, others: String = "") -> [String] {
        mistakes(in: text(lines, others: others)).map {
            String($0.dropFirst("p.yaml:".count)).replacing("error: ", with: "")
        }
    }

    @Test func `every kind of target is read as it is meant`() throws {
        let health = try health(
            """
                  every: 2s
                  within: 200ms
                  dependencies:
                    store: { feature: store }
                    db: { tcp: "127.0.0.1:5432" }
                    six: { tcp: "[0::1]:80", critical: false }
                    here: { tcp: "localhost:9" }
                    socket: { file: /run/x.sock }
                    page: { http: "http://[::1]/a?b=1", status: 204 }
                    plain: { http: "http://127.0.0.1:8080" }
                    call: { grpc: "127.0.0.1:50051", service: my.Service }
                  checks:
                    self: { command: ["sh", "-c", ""] }
            """)
        #expect(health.every == .seconds(2) && health.within == .milliseconds(200))
        let v4 = { NetworkAddress(host: "127.0.0.1", port: $0) }
        let v6 = NetworkAddress(host: "::1", port: 80)
        let store = try #require(FeatureID("store"))
        #expect(
            health.dependencies == [
                .init(name: "call", target: .grpc(v4(50051), service: "my.Service")),
                .init(name: "db", target: .tcp(v4(5432))),
                .init(name: "here", target: .tcp(v4(9))),
                .init(name: "page", target: .http(v6, path: "/a?b=1", status: 204)),
                .init(name: "plain", target: .http(v4(8080), path: "/", status: nil)),
                .init(name: "six", target: .tcp(v6), isCritical: false),
                .init(name: "socket", target: .file("/run/x.sock")),
                .init(name: "store", target: .feature(store)),
            ])
        #expect(health.checks == [.init(name: "self", target: .command(["sh", "-c", ""]))])
        #expect("\(v6)" == "[::1]:80")
    }

    @Test func `a feature that says nothing of health has no checks`() throws {
        let reading = Policy.read(
            Array(policy(feature: "    cores: { performance: 1 }").utf8), name: "p.yaml")
        #expect(reading.policy?.features.first?.health == HealthPolicy())
    }

    @Test(arguments: [
        (
            "tcp: db.example:5432",
            "9:33: features.web.health.dependencies.x.tcp: 'db.example' is no IP"
        ),
        ("tcp: '127.1:80'", "'127.1' is no IP address"),
        ("tcp: '127.0.0.1'", "'127.0.0.1' has no port (write it as 127.0.0.1:5432)"),
        ("tcp: '127.0.0.1:'", "'' is no port (1 to 65535)"),
        ("tcp: '127.0.0.1:0'", "'0' is no port"),
        ("tcp: '127.0.0.1:65536'", "'65536' is no port"),
        ("tcp: '127.0.0.1:+80'", "'+80' is no port"),
        ("tcp: '::1:80'", "write IPv6 in brackets"),
        ("tcp: '[127.0.0.1]:80'", "'127.0.0.1' is no IP address"),
        ("tcp: '[::1]80'", "is no port"),
        ("tcp: '[fe80::1%eth0]:80'", "is no IP address"),
        ("tcp: ''", "is an empty text"),
        ("tcp: 80", "must be a text, not the number 80"),
        ("file: run/x", "'run/x' is no absolute path (begin it with /)"),
        ("http: 'https://127.0.0.1/'", "https is not spoken here"),
        ("http: '127.0.0.1/'", "write it as http://127.0.0.1:8080/healthz"),
        ("http: 'http://me@127.0.0.1/'", "is no IP address"),
        ("http: 'http:///x'", "'' is no IP address"),
        ("http: 'http://127.0.0.1/a b'", "visible ASCII"),
        ("http: 'http://127.0.0.1/#a'", "visible ASCII"),
        ("http: 'http://127.0.0.1/', status: 99", "from 200 to 599"),
        ("grpc: '127.0.0.1:1', status: 200", "status means nothing without http"),
        ("tcp: '127.0.0.1:1', service: a", "service means nothing without grpc"),
        ("tcp: '127.0.0.1:1', file: /x", "checks tcp already (leave out file"),
        (
            "critical: true",
            "checks nothing (give it one of feature, tcp, file, http, grpc, command)"
        ),
        ("command: []", "is an empty list"),
        ("feature: web", "a feature cannot depend on itself"),
        ("feature: stroe", "there is no feature 'stroe'; did you mean 'store'?"),
        ("tpc: '127.0.0.1:1'", "unknown key 'tpc'"),
        ("tcp: '127.0.0.1:1', critical: yes", "write true"),
    ])
    func `a target that cannot be meant is told with its place`(line: String, says: String) {
        let told = told("      dependencies: { x: { \(line) } }")
        #expect(told.contains { $0.contains(says) }, "\(told)")
        #expect(told.allSatisfy { $0.hasPrefix("9:") }, "\(told)")
    }

    @Test(arguments: [
        ("      every: 50ms", "9:14: features.web.health.every 50ms is too short (at least 100ms)"),
        (
            "      every: 500ms",
            "9:14: features.web.health: within 1s is more than every 500ms (a default)"
        ),
        (
            "      every: 1s\n      within: 2s",
            "10:15: features.web.health: within 2s is more than every 1s"
        ),
        ("      checks: { x: { feature: store } }", "9:22: unknown key 'feature'"),
        (
            "      dependencies: { x: { file: /x } }\n      checks: { x: { file: /y } }",
            "10:17: features.web.health.checks.x: the feature has features.web.health.dependencies"
        ),
        ("      checks: { 'a/b': { file: /y } }", "9:17: 'a/b' cannot name a check"),
        ("      checks: { a: { file: /y }, a: { file: /z } }", "already given"),
    ])
    func `what does not fit together is told with its place`(lines: String, says: String) {
        let told = told(lines)
        #expect(told.contains { $0.contains(says) }, "\(told)")
    }

    @Test func `a feature has at most sixteen dependencies and checks`() {
        func lines(_ count: Int) -> String {
            "      checks:\n" + (0..<count).map { "        c\($0): { file: /x }\n" }.joined()
        }
        #expect(told(lines(16)) == [])
        #expect(
            told(lines(17)).first
                == "9:7: features.web.health has 17 dependencies and checks (at most 16 a feature)")
    }

    @Test func `critical dependencies in a circle are told once, with the way around`() {
        let others = """
              far:
                plugin: streaming
                cores: { performance: 1 }
                health: { dependencies: { a: { feature: near } } }
              near:
                plugin: streaming
                cores: { performance: 1 }
                health: { dependencies: { b: { feature: web, critical: CRITICAL } } }
            """
        let first = "      dependencies: { x: { feature: far }, y: { feature: store } }"
        let told = told(first, others: others.replacing("CRITICAL", with: "true"))
        #expect(told.count == 1, "\(told)")
        #expect(told.first?.contains("web → far → near → web") ?? false, "\(told)")
        #expect(self.told(first, others: others.replacing("CRITICAL", with: "false")) == [])
    }

    @Test func `a chain of a thousand features is no circle, and ends`() {
        var lines = ""
        for index in 0..<1000 {
            lines += "  f\(index): { plugin: streaming, cores: { performance: 1 }"
            if index > 0 {
                lines += ", health: { dependencies: { d: { feature: f\(index - 1) } } }"
            }
            lines += " }\n"
        }
        #expect(told("      dependencies: { x: { feature: f999 } }", others: lines) == [])
    }
}

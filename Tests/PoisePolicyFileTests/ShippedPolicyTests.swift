import Glibc
import PoiseModel
import PoisePolicyFile
import Testing

/// The folder `Policies` of the repository, found from this file.
private var policyFolder: String {
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Policies"
}

private func names(in folder: String) throws -> [String] {
    let stream = try #require(opendir(folder))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasSuffix(".yaml") { names.append(name) }
    }
    return names.sorted()
}

private func bytes(of path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

/// Every policy of the repository with its name.
func shippedPolicies() throws -> [(name: String, bytes: [UInt8])] {
    try names(in: policyFolder).map { ($0, try bytes(of: "\(policyFolder)/\($0)")) }
}

@Suite("The policies of the repository")
struct ShippedPolicyTests {
    @Test func haveNeitherErrorsNorWarnings() throws {
        let names = try names(in: policyFolder)
        #expect(
            names == [
                "batch-overnight.yaml", "default.yaml", "laptop-battery.yaml", "latency-first.yaml",
                "master-plan.yaml",
            ])
        for name in names {
            let reading = Policy.read(path: "\(policyFolder)/\(name)")
            #expect(reading.mistakes.map(\.description) == [])
            #expect(reading.policy.map { "\($0.name).yaml" } == name)
        }
    }

    @Test func haveALineEachInTheReadme() throws {
        let readme = String(decoding: try bytes(of: "\(policyFolder)/README.md"), as: UTF8.self)
        for name in try names(in: policyFolder) { #expect(readme.contains("`\(name)`")) }
    }

    @Test func defaultNamesOnlyWhatExistsAndFitsTwoCores() throws {
        let policy = try Policy.load(path: "\(policyFolder)/default.yaml")
        let plugins = ["streaming", "digest"].map { FeaturePolicy.Source.plugin($0) }
        #expect(policy.features.allSatisfy { plugins.contains($0.source) })
        #expect(policy.bus.routes.map(\.topics) == [["anomalies", "windows"]])
        // What starts with less than its min fits anywhere.
        let strict = policy.features.filter { $0.shortage == .keepOut }
        let minimum = strict.reduce(0) { sum, feature in
            sum + CoreClass.allCases.reduce(0) { $0 + (feature.cores[$1]?.min ?? 0) }
        }
        #expect(policy.reserve.millicores + minimum <= 1000)
    }

    @Test func masterPlanIsTheAllocationMatrix() throws {
        let policy = try Policy.load(path: "\(policyFolder)/master-plan.yaml")
        let rows = policy.features.map { feature in
            "\(feature.id) \((feature.cores.performance?.want ?? 0) / 1000) P "
                + "\((feature.cores.efficiency?.want ?? 0) / 1000) E"
                + (feature.npuPercent > 0 ? " NPU" : "") + (feature.gpuBytes > 0 ? " GPU" : "")
        }
        #expect(
            rows == [
                "agents 2 P 0 E", "fusion 1 P 0 E NPU", "nas 2 P 0 E NPU GPU", "streaming 3 P 6 E",
                "twin 2 P 4 E",
            ])
    }
}

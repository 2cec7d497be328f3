import PoiseEngine
import PoiseModel
import PoiseWire

/// What a daemon leaves of the bus for the one after it: which links there are and who was told of
/// them. A hint, as `DaemonState` is: without it hosts leave their links and take them up again.
struct BusLeft: Equatable {
    var bootID: String
    var links: [BusLink] = []
    /// By host.
    var ends: [FeatureID: [BusAttachment]] = [:]

    private static let format = "poise-bus 1"

    init(bootID: String) { self.bootID = bootID }

    /// A line that names the format and the sum of the rest, and the rest as JSON.
    func text() throws(CodingProblem) -> String {
        let ends = self.ends.sorted { $0.key < $1.key }.map { feature, list in
            JSON.object([
                .init("feature", .string(feature.name)), .init("ends", .array(list.map(\.json))),
            ])
        }
        let json: JSON = [
            "boot": .string(bootID), "links": try JSONEncoding.encode(links),
            "hosts": .array(ends),
        ]
        let body = json.description
        return "\(BusLeft.format) \(Fingerprint(body))\n\(body)\n"
    }

    /// Reads what `text` wrote.
    init(text: String, bootID: String) throws(CodingProblem) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[0].hasPrefix(BusLeft.format + " ") else {
            throw CodingProblem("it is of another version")
        }
        guard lines[0].dropFirst(BusLeft.format.count + 1) == "\(Fingerprint(lines[1]))" else {
            throw CodingProblem("its checksum is wrong: it was damaged")
        }
        self.bootID = bootID
        do {
            let json = try JSON.parse(Array(lines[1].utf8))
            guard json["boot"]?.string == bootID else {
                throw CodingProblem("it is of another boot of this machine")
            }
            links = try JSONDecoding.decode([BusLink].self, from: json["links"] ?? .null)
            for host in json["hosts"]?.array ?? [] {
                guard let feature = host["feature"]?.string.flatMap({ FeatureID($0) }) else {
                    throw CodingProblem("a host has no name")
                }
                ends[feature] = try (host["ends"]?.array ?? []).map { end throws(WireError) in
                    try BusAttachment(json: end)
                }
            }
        } catch {
            throw CodingProblem("\(error)")
        }
        let names = links.map(\.name)
        guard Set(names).count == names.count else { throw CodingProblem("a link is there twice") }
    }
}

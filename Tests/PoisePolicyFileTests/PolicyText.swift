import Glibc
import PoiseModel
import PoisePolicyFile
import Testing

/// What `poise policy check` would print for `text`, one mistake a line.
func mistakes(in text: String) -> [String] {
    Policy.read(Array(text.utf8), name: "p.yaml").mistakes.map(\.description)
}

/// A policy without mistakes around `lines`, which belong to one feature (indented by four).
func policy(feature lines: String) -> String {
    """
    version: 1
    name: p
    reserve: { cores: 1 }
    features:
      a:
        plugin: streaming
    \(lines)
    """
}

/// A policy without mistakes around `lines` at its top level.
func policy(top lines: String) -> String {
    """
    version: 1
    name: p
    reserve: { cores: 1 }
    features: { a: { plugin: streaming, cores: { performance: 1 } } }
    \(lines)
    """
}

/// A folder that is deleted with its files when `body` is done.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/poise-policy-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        for name in ["file", "pipe"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
    return try body(path)
}

/// Writes a file; `size` beyond the bytes is a hole.
func write(_ bytes: [UInt8], size: Int? = nil, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    try #require(ftruncate(descriptor, size ?? bytes.count) == 0)
}

/// Steps through numbers in an order that only the seed decides (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

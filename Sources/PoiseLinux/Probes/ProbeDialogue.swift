/// What a probe found out.
package enum ProbeAnswer: Sendable, Equatable {
    case passed
    /// And why, on one line.
    case failed(String)
}

/// What is said to a service after connecting, and what its answer means.
///
/// A pure state machine: it is given the bytes that came and gives those to send. Whoever is at the
/// other end may be hostile, so it takes no more than `mostBytes` and believes nothing.
protocol ProbeDialogue {
    /// What is said first; empty says nothing.
    var opening: [UInt8] { get }
    /// How many bytes it reads at most.
    var mostBytes: Int { get }
    /// Takes bytes that came; gives the answer once it is there, or what is to be said.
    mutating func take(_ bytes: [UInt8]) -> ProbeStep
    /// The other end has said all it will.
    mutating func end() -> ProbeAnswer
}

/// What follows from bytes that came.
enum ProbeStep: Equatable {
    /// Say this (which may be nothing) and wait for more.
    case more([UInt8])
    case done(ProbeAnswer)
}

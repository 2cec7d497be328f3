package import Synchronization

/// What the pipeline has counted since it began; read at any time.
package final class Counters: Sendable {
    package let events = Atomic(0)
    package let late = Atomic(0)
    package let keys = Atomic(0)
    package let refusedKeys = Atomic(0)
    package let windows = Atomic(0)
    package let anomalies = Atomic(0)
    package let malformed = Atomic(0)
    package let lines = Atomic(0)
    /// Bytes that were fed and are not worked off.
    package let bytesUnderWay = Atomic(0)
    let bytesParsed = Atomic(0)
    /// Chunks and pieces of input that were fed and are not worked off.
    let underWay = Atomic(0)
    /// The newest refused line of a chunk, until it is taken.
    private let sample = Mutex<(reason: Malformation, text: String)?>(nil)

    /// Takes a refused line to show, if there was one since the last time.
    package func takeSample() -> (reason: Malformation, text: String)? {
        sample.withLock { sample in
            defer { sample = nil }
            return sample
        }
    }

    func add(_ batch: ParsedBatch) {
        lines.add(batch.lines, ordering: .relaxed)
        bytesParsed.add(batch.bytes.count, ordering: .relaxed)
        if batch.malformed > 0 { malformed.add(batch.malformed, ordering: .relaxed) }
        if let refused = batch.sample { sample.withLock { $0 = refused } }
    }

    /// Counts a line that a source refused before parsing.
    package func refuse(_ reason: Malformation, _ text: String) {
        malformed.add(1, ordering: .relaxed)
        sample.withLock { $0 = (reason, text) }
    }

    func add(_ output: PartitionState.Output) {
        events.add(output.events, ordering: .relaxed)
        late.add(output.late, ordering: .relaxed)
        keys.add(output.newKeys, ordering: .relaxed)
        refusedKeys.add(output.refusedKeys, ordering: .relaxed)
        windows.add(output.windows, ordering: .relaxed)
        anomalies.add(output.anomalyCount, ordering: .relaxed)
    }
}

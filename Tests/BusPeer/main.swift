import Glibc
import PoiseBus
import PoiseModel

// One side of a link or of a shared ring, over two descriptors that it inherits: the first is the
// producer's (or the data) file, the second the consumer's.
//
//   bus-peer link send|receive FIRST SECOND RINGBYTES PRODUCERS INDEX COUNT SEED
//   bus-peer shared send|receive FIRST SECOND RINGBYTES PRODUCERS INDEX COUNT SEED
//
// It ends with 0 when COUNT messages of each lane (and producer) have gone or come.
//
//   bus-peer threads COUNT
//
// Both kinds of rings between threads, for ThreadSanitizer.

let words = CommandLine.arguments
if words.count == 3, words[1] == "threads", let count = UInt64(words[2]) {
    var isRight = true
    for (kind, producers) in [("link", 1), ("shared", 1), ("shared", 4)] {
        let run = Threads.run(kind, producers: producers, ringBytes: 16 << 10, count: count)
        say("\(kind), \(producers) to 1: \(run ? "right" : "WRONG")\n")
        isRight = isRight && run
    }
    exit(isRight ? 0 : 3)
}
let numbers = words.dropFirst(3).compactMap { Int($0) }
guard words.count == 10, numbers.count == 7 else {
    say("bus-peer: link|shared send|receive and seven numbers\n")
    exit(2)
}
let (first, second) = (Int32(numbers[0]), Int32(numbers[1]))
let (ringBytes, producers, index) = (numbers[2], numbers[3], numbers[4])
let count = UInt64(numbers[5])
var random = SplitMix64(seed: UInt64(numbers[6]))

do {
    let most = LinkLayout(ringBytes: ringBytes).longestPayload
    switch (words[1], words[2]) {
    case ("link", "send"):
        let layout = LinkLayout(ringBytes: ringBytes)
        var end = try RingWriter(
            producer: BusMemory(mapping: first, bytes: layout.producerFileBytes, writable: true),
            consumer: BusMemory(mapping: second, bytes: layout.consumerFileBytes, writable: false),
            layout: layout, dropsOldest: false)
        try Traffic.send(&end, producer: 0, count: count, most: most, random: &random)
    case ("link", "receive"):
        let layout = LinkLayout(ringBytes: ringBytes)
        var end = try RingReader(
            producer: BusMemory(mapping: first, bytes: layout.producerFileBytes, writable: false),
            consumer: BusMemory(mapping: second, bytes: layout.consumerFileBytes, writable: true),
            layout: layout, dropsOldest: false)
        try Traffic.receive(&end, producers: 1, count: count, most: most, random: &random)
    case ("shared", "send"):
        let layout = SharedLayout(ringBytes: ringBytes)
        var end = try SharedRingWriter(
            data: BusMemory(mapping: first, bytes: layout.dataFileBytes, writable: true),
            consumer: BusMemory(mapping: second, bytes: layout.consumerFileBytes, writable: false),
            layout: layout, owner: index)
        try Traffic.send(&end, producer: index, count: count, most: most, random: &random)
    default:
        let layout = SharedLayout(ringBytes: ringBytes)
        var end = try SharedRingReader(
            data: BusMemory(mapping: first, bytes: layout.dataFileBytes, writable: false),
            consumer: BusMemory(mapping: second, bytes: layout.consumerFileBytes, writable: true),
            layout: layout)
        try Traffic.receive(&end, producers: producers, count: count, most: most, random: &random)
    }
} catch {
    say("bus-peer: \(words[1]) \(words[2]) \(index): \(error)\n")
    exit(3)
}

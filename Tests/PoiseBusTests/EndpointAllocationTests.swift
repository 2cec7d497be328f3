import Glibc
import PoiseBus
import PoiseModel
import Testing

/// Calls of the allocator so far; nil where nobody counts them.
private enum AllocatorCalls {
    static func count() -> UInt64? {
        guard let symbol = dlsym(nil, "poise_allocation_count") else { return nil }
        return unsafeBitCast(symbol, to: (@convention(c) () -> UInt64).self)()
    }
}

/// Counts calls of the allocator, where it is counted: with
/// `LD_PRELOAD=$(swift build --show-bin-path)/libpoise-malloc-count.so swift test --filter
/// EndpointAllocationTests`.
@Suite(.enabled(if: AllocatorCalls.count() != nil, "no LD_PRELOAD=libpoise-malloc-count.so"))
struct EndpointAllocationTests {
    @Test(arguments: [1, 3])
    func `A message that is sent and received allocates nothing`(_ receivers: Int) throws {
        let bus = TestBus()
        let names = (0..<receivers).map { "r\($0)" }
        for name in names { try bus.link("a", name, ringBytes: 1 << 20) }
        let sender = bus.endpoint("a")
        sender.route(by: [TestBus.row(["t"], from: "a", to: names)])
        let ends = names.map(bus.endpoint)
        func pass(_ messages: Int) throws -> UInt64 {
            var sum: UInt64 = 0
            for number in 0..<messages {
                try sender.send(UInt64(number))
                for end in ends {
                    guard let got = try end.receive(until: 0) else { continue }
                    sum &+= got.message.payload.load(as: UInt64.self)
                    end.done()
                }
            }
            return sum
        }
        _ = try pass(1000)
        let before = AllocatorCalls.count() ?? 0
        let sum = try pass(100_000)
        let after = AllocatorCalls.count() ?? .max
        #expect(sum == UInt64(receivers) * (0..<100_000).reduce(0, +))
        // What else runs in this process may allocate: at most a call in a thousand messages.
        #expect(after - before < 100)
        print("allocations for 100000 messages to \(receivers): \(after - before)")
    }
}

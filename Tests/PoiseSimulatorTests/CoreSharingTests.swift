import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseSimulator

@Suite struct CoreSharingTests {
    private let speeds = SimulationSettings().speeds

    /// One stream a feature that wants so much; gives what each uses.
    private func uses(_ regions: [CoreRegion], wanting: [Double]) -> [CoreSharing.Use] {
        let streams = wanting.indices.map {
            CoreSharing.Stream(feature: $0, preferred: nil, left: wanting[$0])
        }
        var sharing = CoreSharing(
            speeds: speeds, streamsOf: wanting.indices.map { [$0] }, streams: streams)
        for feature in wanting.indices { sharing.uses[feature].threads = 1000 }
        sharing.prepare(regions)
        sharing.divide(regions)
        return sharing.uses
    }

    private func pool(_ cores: Double, _ amounts: [Double]) -> CoreRegion {
        CoreRegion(
            coreClass: .performance, cores: cores, width: 1,
            entitled: amounts.enumerated().map { .init(feature: $0.offset, amount: $0.element) },
            guests: [])
    }

    private func own(_ cores: Double, owner: Int, guests: [Int] = []) -> CoreRegion {
        CoreRegion(
            coreClass: .performance, cores: cores, width: 1, owner: owner,
            entitled: [.init(feature: owner, amount: cores)],
            guests: guests.map { .init(feature: $0, amount: 100) })
    }

    @Test("a shared core is divided by what each is entitled to, and what one leaves others use")
    func pools() {
        #expect(uses([pool(2, [1.5, 0.5])], wanting: [9, 9]).map(\.cores) == [1.5, 0.5])
        #expect(uses([pool(2, [1.5, 0.5])], wanting: [0.4, 9]).map(\.cores) == [0.4, 1.6])
        let three = uses([pool(3, [1, 1, 1])], wanting: [0.5, 1.1, 9]).map(\.cores)
        #expect(three == [0.5, 1.1, 1.4])
    }

    @Test("a borrower gets what the owner leaves, and both sides are told")
    func lending() {
        let regions = [own(4, owner: 0, guests: [1]), own(1, owner: 1)]
        let idle = uses(regions, wanting: [1, 9])
        #expect(idle.map(\.cores) == [1, 4])
        #expect(idle.map(\.borrowed) == [0, 3] && idle.map(\.lent) == [3, 0])
        let busy = uses(regions, wanting: [9, 9])
        #expect(busy.map(\.cores) == [4, 1] && busy.map(\.borrowed) == [0, 0])
    }

    @Test("an efficiency core does less work in the same time")
    func speed() {
        var slow = own(2, owner: 0)
        slow.coreClass = .efficiency
        #expect(uses([slow], wanting: [0.6]).map(\.cores) == [1])
        #expect(uses([slow], wanting: [9]).map(\.cores) == [2])
    }

    @Test("two threads on a core count twice, one alone does most of its work")
    func siblings() {
        #expect(CoreSharing.cpuTime(0.4, 1) == 1)
        #expect(abs(CoreSharing.cpuTime(0.8, 2) * 0.8 - 1) < 1e-9)
        #expect(abs(CoreSharing.cpuTime(1, 2) - 2) < 1e-9)
    }

    @Test("no core does more than one core's work, and none idles while somebody could use it")
    func conservation() {
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let count = Int.random(in: 1...5, using: &random)
            var regions: [CoreRegion] = []
            for coreClass in CoreClass.allCases {
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    var region = CoreRegion(
                        coreClass: coreClass, cores: Double(Int.random(in: 1...8, using: &random)),
                        width: 1, entitled: [], guests: [])
                    let users = Array(0..<count).shuffled(using: &random)
                    if Bool.random(using: &random) {
                        region.owner = users[0]
                        region.entitled = [.init(feature: users[0], amount: region.cores)]
                    } else {
                        region.entitled = users.prefix(3).map {
                            .init(feature: $0, amount: Double.random(in: 0.01...1, using: &random))
                        }
                    }
                    region.guests = users.dropFirst(3).map { .init(feature: $0, amount: 100) }
                    regions.append(region)
                }
            }
            let wanting = (0..<count).map { _ in Double.random(in: 0...12, using: &random) }
            let uses = uses(regions, wanting: wanting)
            let cores = regions.reduce(0) { $0 + $1.cores }
            #expect(uses.reduce(0) { $0 + $1.cores } <= cores + 1e-9)
            for coreClass in CoreClass.allCases {
                let there = regions.filter { $0.coreClass == coreClass }
                let used = uses.reduce(0) { $0 + $1.byClass[coreClass] }
                #expect(used <= there.reduce(0) { $0 + $1.cores } + 1e-9)
            }
            for feature in 0..<count {
                let done = CoreClass.allCases.reduce(0) {
                    $0 + uses[feature].byClass[$1] * speeds[$1]
                }
                #expect(done <= wanting[feature] + 1e-9)
                // Who has something left to do finds all of its regions full.
                guard done < wanting[feature] - 1e-6, count == 1 else { continue }
                #expect(abs(uses[feature].cores - cores) < 1e-6)
            }
            let lent = uses.reduce(0) { $0 + $1.lent }
            #expect(lent <= uses.reduce(0) { $0 + $1.borrowed } + 1e-9)
        }
    }
}

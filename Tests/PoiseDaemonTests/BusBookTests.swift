import PoiseModel
import PoiseWire
import Testing

@testable import PoiseDaemon

/// What each host is told of the bus, and when.
@Suite struct BusBookTests {
    private let (a, b, canary): (FeatureID, FeatureID, FeatureID)

    init() throws {
        a = try #require(FeatureID("a"))
        b = try #require(FeatureID("b"))
        canary = try #require(FeatureID("b.canary"))
    }

    private func end(
        _ link: String, _ role: BusAttachment.Role, incarnation: Int = 1, wait: BusWait = .adaptive
    ) -> BusAttachment {
        BusAttachment(
            link: link, incarnation: incarnation, role: role, route: "r", peer: b, ringBytes: 4096,
            full: .dropNewest, wait: wait, producerIndex: nil)
    }

    private let rows = [
        BusTable.Row(
            route: "r", topics: ["t"], members: [[.init(link: "r:a>b", share: 100)]],
            delivery: .broadcast)
    ]

    private func tell(
        _ book: inout BusBook, _ feature: FeatureID, _ wanted: [BusAttachment],
        _ rows: [BusTable.Row] = []
    ) -> [BusBook.Step] {
        let steps = book.steps(for: feature, wanted: wanted, rows: rows)
        for step in steps { book.note(step, to: feature) }
        return steps
    }

    @Test func `links come before the table that names them, and what was told is not told again`()
    {
        var book = BusBook()
        let end = end("r:a>b", .producer)
        let steps = tell(&book, a, [end], rows)
        #expect(steps == [.attach(end), .routes(BusTable(generation: 1, rows: rows))])
        #expect(tell(&book, a, [end], rows).isEmpty)
    }

    @Test func `what a host did not take is told the next time`() {
        var book = BusBook()
        let end = end("r:a>b", .producer)
        let first = book.steps(for: a, wanted: [end], rows: rows)
        book.note(first[0], to: a)
        // Its socket had no room for the second.
        #expect(book.steps(for: a, wanted: [end], rows: rows) == [first[1]])
    }

    @Test func `a table changes before the links that it does not name any more are left`() {
        var book = BusBook()
        _ = tell(&book, a, [end("r:a>b", .producer)], rows)
        #expect(
            tell(&book, a, [])
                == [.routes(BusTable(generation: 2, rows: [])), .detach(link: "r:a>b")])
        // Until it says so, it may still write.
        #expect(book.hasWriter("r:a>b"))
        book.left("r:a>b", by: a)
        #expect(!book.hasWriter("r:a>b"))
        #expect(!book.hasHolder("r:a>b"))
    }

    @Test func `an heir reads only when the one before has left, or has ended`() {
        var book = BusBook()
        let link = end("r:a>b.canary", .consumer)
        _ = tell(&book, canary, [link])
        #expect(tell(&book, b, [link]).isEmpty)
        #expect(tell(&book, canary, []) == [.detach(link: link.link)])
        #expect(tell(&book, b, [link]).isEmpty)
        book.left(link.link, by: canary)
        #expect(tell(&book, b, [link]) == [.attach(link)])

        var other = BusBook()
        _ = tell(&other, canary, [link])
        other.ended(canary)
        #expect(tell(&other, b, [link]) == [.attach(link)])
    }

    @Test func `a rebuilt link takes the place of the old one, whose end is not its own`() {
        var book = BusBook()
        _ = tell(&book, a, [end("r:a>b", .producer)])
        let new = end("r:a>b", .producer, incarnation: 2)
        let steps = tell(&book, a, [new])
        #expect(steps == [.replace(new)])
        #expect(steps[0].orders == [.busDetach(link: "r:a>b"), .busAttach(new)])
        // It has left the old files, not the new ones.
        book.left("r:a>b", by: a)
        #expect(book.hasWriter("r:a>b"))
        #expect(tell(&book, a, [new]).isEmpty)
    }

    @Test func `another way to use the same files is told once the host has left them`() {
        var book = BusBook()
        _ = tell(&book, b, [end("r:a>b", .consumer)])
        let new = end("r:a>b", .consumer, wait: .spin)
        #expect(tell(&book, b, [new]) == [.detach(link: "r:a>b")])
        #expect(tell(&book, b, [new]).isEmpty)
        book.left("r:a>b", by: b)
        #expect(tell(&book, b, [new]) == [.attach(new)])
    }

    @Test func `a host that an earlier daemon told the same is told nothing of links`() {
        var book = BusBook()
        let end = end("r:a>b", .producer)
        book.found(a, [end.link: .init(attachment: end)])
        #expect(tell(&book, a, [end], rows) == [.routes(BusTable(generation: 1, rows: rows))])
    }

    @Test func `a host of which it is not known what it has leaves that first`() {
        var book = BusBook()
        let end = end("r:a>b", .consumer)
        book.found(b, [end.link: .init(attachment: nil)])
        #expect(book.hasWriter(end.link))
        #expect(tell(&book, b, [end]) == [.detach(link: end.link)])
        book.left(end.link, by: b)
        #expect(tell(&book, b, [end]) == [.attach(end)])
    }

    @Test func `the next process of a feature is told everything`() {
        var book = BusBook()
        let end = end("r:a>b", .producer)
        _ = tell(&book, a, [end], rows)
        book.ended(a)
        #expect(tell(&book, a, [end], rows).count == 2)
    }

    @Test func `a number of a shared ring has one writer at a time, whom its reader knows`() {
        var book = BusBook()
        let writes = { (index: Int) in
            BusAttachment(
                link: "r:*>b", incarnation: 1, role: .producer, route: "r", peer: b,
                ringBytes: 4096, full: .dropNewest, wait: .block, producerIndex: index,
                isShared: true)
        }
        let reads = { (writers: [FeatureID]) in
            BusAttachment(
                link: "r:*>b", incarnation: 1, role: .consumer, route: "r", peer: a,
                ringBytes: 4096, full: .dropNewest, wait: .block, producerIndex: nil,
                isShared: true,
                writers: writers.enumerated().map { .init(index: $0.offset, feature: $0.element) })
        }
        #expect(tell(&book, a, [writes(0)]) == [.attach(writes(0))])
        #expect(tell(&book, b, [reads([a])]) == [.attach(reads([a]))])
        #expect(book.writers(of: "r:*>b") == [0])
        // Somebody has this number, and then nobody whom the reader knows has the next one.
        #expect(tell(&book, canary, [writes(0)]).isEmpty)
        #expect(tell(&book, canary, [writes(1)]).isEmpty)
        #expect(tell(&book, b, [reads([a, canary])]) == [.detach(link: "r:*>b")])
        #expect(tell(&book, canary, [writes(1)]) == [.attach(writes(1))])
        book.left("r:*>b", by: b)
        #expect(tell(&book, b, [reads([a, canary])]) == [.attach(reads([a, canary]))])
        #expect(book.writers(of: "r:*>b") == [0, 1])
        book.ended(a)
        #expect(book.writers(of: "r:*>b") == [1])
        book.found(a, ["r:*>b": BusBook.Held(attachment: nil)])
        #expect(book.writers(of: "r:*>b") == nil)
    }
}

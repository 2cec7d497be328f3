/// A set of small indexes of one kind of thing, in the kernel's text form `0-3,8`.
///
/// The kind keeps a set of PUs from being used as a set of nodes. Storage is one bit an index, with
/// no trailing zero words, so equal sets are equal values. The kernel's and hwloc's name for it is
/// *cpuset* or *nodeset* (`cpuset.cpus`, `hwloc_bitmap_t`).
@frozen
public struct IndexSet<Kind>: Hashable, Sendable {
    @usableFromInline var words: [UInt64]

    /// The empty set.
    @inlinable
    public init() { words = [] }

    /// The set whose bit `64 * i + b` is bit `b` of `words[i]`; trailing zero words are dropped.
    public init(words: some Sequence<UInt64>) {
        self.words = Array(words)
        dropTrailingZeros()
    }

    /// The set of the given indexes, none of which may be negative.
    public init(_ indexes: some Sequence<Int>) {
        words = []
        for index in indexes { insert(index) }
    }

    /// The bits of the set, 64 indexes a word, lowest first, without trailing zero words.
    public var bits: [UInt64] { words }

    /// Whether the set has no index.
    @inlinable
    public var isEmpty: Bool { words.isEmpty }

    /// How many indexes the set has.
    @inlinable
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The lowest index, or nil for the empty set.
    @inlinable
    public var first: Int? {
        guard let word = words.firstIndex(where: { $0 != 0 }) else { return nil }
        return word * 64 + words[word].trailingZeroBitCount
    }

    /// The highest index, or nil for the empty set.
    public var last: Int? {
        guard let word = words.last else { return nil }
        return words.count * 64 - 1 - word.leadingZeroBitCount
    }

    /// Whether `index` is in the set.
    @inlinable
    public func contains(_ index: Int) -> Bool {
        index >= 0 && index >> 6 < words.count && words[index >> 6] & (1 << UInt64(index & 63)) != 0
    }

    /// Adds `index`, which may not be negative.
    @inlinable
    public mutating func insert(_ index: Int) {
        precondition(index >= 0, "a set of indexes cannot hold \(index)")
        while words.count <= index >> 6 { words.append(0) }
        words[index >> 6] |= 1 << UInt64(index & 63)
    }

    /// Takes `index` out; nothing happens when it is not there.
    public mutating func remove(_ index: Int) {
        guard contains(index) else { return }
        words[index >> 6] &= ~(1 << UInt64(index & 63))
        dropTrailingZeros()
    }

    /// What is in this set, in `other`, or in both.
    @inlinable
    public func union(_ other: IndexSet) -> IndexSet {
        var result = self
        result.formUnion(other)
        return result
    }

    /// Adds everything of `other`.
    @inlinable
    public mutating func formUnion(_ other: IndexSet) {
        while words.count < other.words.count { words.append(0) }
        for index in other.words.indices { words[index] |= other.words[index] }
    }

    /// What is in both sets.
    public func intersection(_ other: IndexSet) -> IndexSet {
        IndexSet(words: zip(words, other.words).map { $0 & $1 })
    }

    /// What is in this set and not in `other`.
    @inlinable
    public func subtracting(_ other: IndexSet) -> IndexSet {
        var result = self
        for index in 0..<Swift.min(words.count, other.words.count) {
            result.words[index] &= ~other.words[index]
        }
        result.dropTrailingZeros()
        return result
    }

    /// Whether everything of this set is in `other`.
    @inlinable
    public func isSubset(of other: IndexSet) -> Bool {
        guard words.count <= other.words.count else { return false }
        for index in words.indices where words[index] & ~other.words[index] != 0 { return false }
        return true
    }

    /// Whether the sets have nothing in common.
    @inlinable
    public func isDisjoint(with other: IndexSet) -> Bool {
        for index in 0..<Swift.min(words.count, other.words.count)
        where words[index] & other.words[index] != 0 { return false }
        return true
    }

    @inlinable
    mutating func dropTrailingZeros() {
        while words.last == 0 { words.removeLast() }
    }
}

extension IndexSet: Sequence {
    /// Gives the indexes from low to high.
    @frozen
    public struct Iterator: IteratorProtocol {
        @usableFromInline let words: [UInt64]
        @usableFromInline var position = 0
        @usableFromInline var rest: UInt64

        @inlinable
        init(_ words: [UInt64]) {
            self.words = words
            rest = words.first ?? 0
        }

        /// The next index, or nil after the last.
        @inlinable
        public mutating func next() -> Int? {
            while rest == 0 {
                position += 1
                guard position < words.count else { return nil }
                rest = words[position]
            }
            defer { rest &= rest - 1 }
            return position * 64 + rest.trailingZeroBitCount
        }
    }

    /// An iterator over the indexes from low to high.
    @inlinable
    public func makeIterator() -> Iterator { Iterator(words) }
}

extension IndexSet: ExpressibleByArrayLiteral {
    /// The set of the listed indexes.
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension IndexSet: CustomStringConvertible {
    /// The highest index that a text form may name; the kernel's own limit is far below it.
    public static var largestIndex: Int { 1 << 20 }

    /// Reads the kernel's list form (`0-3,8`, a trailing newline allowed); nil when it is not one.
    ///
    /// The empty text is the empty set, as the kernel prints it in `cpuset.cpus`.
    public init?(_ text: some StringProtocol) {
        self.init()
        let text = text.last == "\n" ? Substring(text.dropLast()) : Substring(text)
        guard !text.isEmpty else { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let low = Self.index(ends[0]),
                let high = Self.index(ends[ends.count - 1]), low <= high
            else { return nil }
            for index in low...high { insert(index) }
        }
    }

    private static func index(_ digits: Substring) -> Int? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let value = Int(digits), value <= largestIndex
        else { return nil }
        return value
    }

    /// The kernel's list form, such as `0-3,8`; empty for the empty set.
    public var description: String {
        var text = ""
        var iterator = makeIterator()
        var low = iterator.next()
        while let start = low {
            var end = start
            low = iterator.next()
            while low == end + 1 {
                end += 1
                low = iterator.next()
            }
            if !text.isEmpty { text += "," }
            text += start == end ? "\(start)" : "\(start)-\(end)"
        }
        return text
    }
}

/// Names the kind of index in a `CPUSet`: hwloc's PU, the kernel's CPU number.
public enum PUIndex: Sendable {}

/// Names the kind of index in a `NodeSet`: the kernel's NUMA node number.
public enum NodeIndex: Sendable {}

/// A set of PUs by the kernel's numbers (`cpuset.cpus`, `sched_setaffinity(2)`).
public typealias CPUSet = IndexSet<PUIndex>

/// A set of NUMA nodes by the kernel's numbers (`cpuset.mems`).
public typealias NodeSet = IndexSet<NodeIndex>

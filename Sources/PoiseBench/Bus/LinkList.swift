import PoiseBus

/// Several ends of links of one kind, which cannot be in an array because none may be copied.
struct LinkList<End: ~Copyable>: ~Copyable {
    private let base: UnsafeMutablePointer<End>
    let count: Int

    init(count: Int, make: (Int) throws(BusError) -> End) throws(BusError) {
        let start = UnsafeMutablePointer<End>.allocate(capacity: count)
        for index in 0..<count {
            do {
                (start + index).initialize(to: try make(index))
            } catch {
                start.deinitialize(count: index)
                start.deallocate()
                throw error
            }
        }
        base = start
        self.count = count
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(index: Int) -> End {
        unsafeAddress { UnsafePointer(base + index) }
        nonmutating unsafeMutableAddress { base + index }
    }
}

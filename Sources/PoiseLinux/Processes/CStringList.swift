import Glibc

/// Texts as C wants them: a list of pointers that ends with a null pointer.
struct CStringList: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        pointers = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() {
            (pointers + index).initialize(to: strdup(text))
        }
        (pointers + texts.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }

    /// What C takes: the pointers may not be changed through it.
    var constant: UnsafePointer<UnsafeMutablePointer<CChar>?> { UnsafePointer(pointers) }
}

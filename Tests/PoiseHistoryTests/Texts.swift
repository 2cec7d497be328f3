import PoiseModel
import PoiseWire

extension JSON {
    static func parsed(_ text: String) throws -> JSON { try JSON.parse(text) }
}

extension String {
    /// The last place of `part` that ends at or before `end`.
    func range(of part: String, from end: Index) -> Index? {
        var start = end
        while start > startIndex {
            start = index(before: start)
            if self[start...].hasPrefix(part) { return start }
        }
        return nil
    }

    func replacing(first part: String, by other: String) -> String {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return self[..<start] + other + self[index(start, offsetBy: part.count)...]
            }
            start = index(after: start)
        }
        return self
    }
}

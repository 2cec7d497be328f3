/// The text of `memory.numa_stat` (`anon N0=4096 N1=0`, a line for each kind of memory).
package enum NodeMemoryFormat {
    /// Bytes of programs and of files in memory by node; nil when the bytes are not such a text.
    ///
    /// The other lines tell parts of these two, or memory of the kernel's own.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> [Int: Int]? {
        guard let anonymous = KernelBytes.line("anon", in: bytes),
            let file = KernelBytes.line("file", in: bytes)
        else { return nil }
        var nodes: [Int: Int] = [:]
        for line in [anonymous, file] {
            for word in line.split(separator: 0x20) {
                guard word.first == 0x4E, let equals = word.firstIndex(of: 0x3D),
                    let node = KernelBytes.number(word.dropFirst()),
                    let amount = KernelBytes.number(word[(equals + 1)...])
                else { return nil }
                let (sum, over) = nodes[node, default: 0].addingReportingOverflow(amount)
                if over { return nil }
                nodes[node] = sum
            }
        }
        return nodes
    }
}

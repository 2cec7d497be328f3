import PluginABI
import PoiseModel
import PoiseWire

/// Calls into the host's table.
enum HostTable {
    static func calls(
        _ table: UnsafePointer<poise_host_functions>
    ) -> @Sendable (Host.Call) -> Void {
        // tidy: allow, the host keeps its table for the life of the process, for any thread
        nonisolated(unsafe) let table = table
        return { call in
            switch call {
            case .log(let level, let text, let fields):
                withFields(fields) { start, count in
                    table.pointee.log?(
                        table.pointee.context, UInt32(level.rank), text, start, count)
                }
            case .event(let name, let fields):
                withFields(fields) { start, count in
                    table.pointee.event?(table.pointee.context, name, start, count)
                }
            case .need(let millicores, let coreClass, let time):
                table.pointee.need?(
                    table.pointee.context, coreClass.border, UInt32(clamping: millicores),
                    UInt64(clamping: time.components.seconds) * 1000
                        + UInt64(clamping: time.components.attoseconds / 1_000_000_000_000_000))
            }
        }
    }

    private static func withFields(
        _ fields: [String: String], _ body: (UnsafePointer<poise_field>?, UInt32) -> Void
    ) {
        guard !fields.isEmpty else { return body(nil, 0) }
        var texts: [CChar] = []
        var starts: [(key: Int, value: Int)] = []
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            let start = texts.count
            texts.append(contentsOf: key.utf8CString)
            starts.append((start, texts.count))
            texts.append(contentsOf: value.utf8CString)
        }
        texts.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let border = starts.map { poise_field(key: base + $0.key, value: base + $0.value) }
            border.withUnsafeBufferPointer { body($0.baseAddress, UInt32($0.count)) }
        }
    }
}

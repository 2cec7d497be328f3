import CHwloc
import Glibc
import PoiseModel

/// The one owner of an hwloc handle; gives it back at the end (`hwloc_topology_t`).
package struct Topology: ~Copyable {
    let handle: hwloc_topology_t

    /// Files larger than this are refused; the largest known machine takes about 30 MiB.
    static let fileLimit = 64 << 20

    /// Reads the running system.
    init() throws(TopologyError) {
        handle = try Topology.loaded { handle throws(TopologyError) in
            // Its only finding is which GPU an X display runs on, and it connects to find out.
            let blacklist = UInt(HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST.rawValue)
            hwloc_topology_set_components(handle, blacklist, "gl")
            guard hwloc_topology_load(handle) == 0 else {
                throw .discovery(call: "hwloc_topology_load", Errno(errno))
            }
        }
    }

    /// Reads an hwloc XML file.
    init(file: String) throws(TopologyError) {
        let xml = try Topology.xml(of: file)
        handle = try Topology.loaded { handle throws(TopologyError) in
            let isSet = xml.withUnsafeBytes { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    hwloc_topology_set_xmlbuffer(handle, $0.baseAddress, Int32($0.count))
                }
            }
            guard isSet == 0, hwloc_topology_load(handle) == 0 else {
                throw .noMachine(file: file, why: "hwloc refuses it: \(Errno(errno))")
            }
            try Topology.check(handle, file: file)
        }
    }

    deinit { hwloc_topology_destroy(handle) }

    /// Writes the running system as hwloc XML of version 2 (`hwloc_topology_export_xmlbuffer`).
    package static func export(to path: String) throws(TopologyError) {
        let topology = try Topology()
        var text: UnsafeMutablePointer<CChar>?
        var count: Int32 = 0
        guard hwloc_topology_export_xmlbuffer(topology.handle, &text, &count, 0) == 0, let text
        else { throw .discovery(call: "hwloc_topology_export_xmlbuffer", Errno(errno)) }
        defer { hwloc_free_xmlbuffer(topology.handle, text) }
        let bytes = String(cString: text).utf8
        do throws(Errno) {
            try Files.write(Array(bytes), to: path)
        } catch {
            throw .unwritable(file: path, error)
        }
    }

    /// Whether hwloc looked at the running system, and not at what its environment names instead.
    var isThisSystem: Bool { hwloc_topology_is_thissystem(handle) != 0 }
}

extension Topology {
    /// Silences hwloc and makes it use its own XML parser.
    ///
    /// Both go by environment variables that hwloc reads once; there is no call for either. The
    /// user's own wish to hear more stays.
    private static let environment: Void = {
        setenv("HWLOC_HIDE_ERRORS", "2", 0)
        setenv("HWLOC_LIBXML", "0", 1)
    }()

    private static func loaded(_ load: (hwloc_topology_t) throws(TopologyError) -> Void)
        throws(TopologyError) -> hwloc_topology_t
    {
        environment
        var created: hwloc_topology_t?
        guard hwloc_topology_init(&created) == 0, let handle = created else {
            throw .discovery(call: "hwloc_topology_init", Errno(errno))
        }
        // Bridges only where something hangs on them; every device, because an NPU may be of a
        // class that hwloc finds unimportant.
        hwloc_topology_set_io_types_filter(handle, HWLOC_TYPE_FILTER_KEEP_IMPORTANT)
        hwloc_topology_set_type_filter(handle, HWLOC_OBJ_PCI_DEVICE, HWLOC_TYPE_FILTER_KEEP_ALL)
        errno = 0
        do throws(TopologyError) {
            try load(handle)
        } catch {
            hwloc_topology_destroy(handle)
            throw error
        }
        return handle
    }

    private static func xml(of file: String) throws(TopologyError) -> [UInt8] {
        let content: [UInt8]?
        do throws(Errno) {
            content = try Files.read(file, limit: fileLimit)
        } catch {
            throw .unreadable(file: file, error)
        }
        guard let bytes = content else { throw .tooLarge(file: file, limitBytes: fileLimit) }
        guard !bytes.isEmpty else { throw .malformed(file: file, why: "it is empty") }
        do throws(TopologyXML.Mistake) {
            return try TopologyXML(checking: bytes).output
        } catch {
            throw .malformed(file: file, why: "line \(error.line): \(error.text)")
        }
    }

    /// Finite sets of PUs and nodes, and at least one PU.
    private static func check(_ handle: hwloc_topology_t, file: String) throws(TopologyError) {
        guard let root = hwloc_get_root_obj(handle) else {
            throw .noMachine(file: file, why: "it has no machine")
        }
        for set in [root.pointee.cpuset, root.pointee.nodeset] {
            let last = hwloc_bitmap_last(set)
            guard last >= -1, Int(last) <= CPUSet.largestIndex, hwloc_bitmap_weight(set) >= 0
            else { throw .noMachine(file: file, why: "a set of PUs or nodes has no end") }
        }
        guard hwloc_get_nbobjs_by_type(handle, HWLOC_OBJ_PU) > 0 else {
            throw .noMachine(file: file, why: "it has no PU that may be used")
        }
    }
}

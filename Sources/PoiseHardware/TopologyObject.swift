import CHwloc
import PoiseModel

/// One object of an hwloc tree, good only while the `Topology` that it came from lives.
struct TopologyObject {
    private let object: hwloc_obj_t

    init(_ object: hwloc_obj_t) { self.object = object }

    /// The same for the life of the topology, and different for every object (`gp_index`).
    var id: UInt64 { object.pointee.gp_index }
    var parent: TopologyObject? { object.pointee.parent.map(TopologyObject.init) }
    var type: hwloc_obj_type_t { object.pointee.type }
    var pus: CPUSet { CPUSet(words: object.pointee.cpuset.map(words) ?? []) }
    var nodes: NodeSet { NodeSet(words: object.pointee.nodeset.map(words) ?? []) }
    /// Nil when the kernel has no number for it (`HWLOC_UNKNOWN_INDEX`).
    var osIndex: Int? {
        object.pointee.os_index == UInt32.max ? nil : Int(object.pointee.os_index)
    }
    var name: String? { object.pointee.name.map { String(cString: $0) } }
    var subtype: String? { object.pointee.subtype.map { String(cString: $0) } }

    /// This object's parents, from the nearest to the machine.
    var ancestors: some Sequence<TopologyObject> {
        sequence(state: parent) { (next: inout TopologyObject?) -> TopologyObject? in
            defer { next = next?.parent }
            return next
        }
    }

    /// What hwloc says under `name` (`hwloc_obj_get_info_by_name`).
    func info(_ name: String) -> String? {
        hwloc_obj_get_info_by_name(object, name).map { String(cString: $0) }
    }

    /// Memory of a node, 0 when it has none or when nobody knows.
    var localMemory: UInt64 { object.pointee.attr?.pointee.numanode.local_memory ?? 0 }

    /// Level and size when this is a cache that holds data.
    var dataCache: (level: Int, bytes: Int)? {
        guard hwloc_obj_type_is_cache(type) != 0, let attributes = object.pointee.attr,
            attributes.pointee.cache.type != HWLOC_OBJ_CACHE_INSTRUCTION
        else { return nil }
        return (Int(attributes.pointee.cache.depth), Int(clamping: attributes.pointee.cache.size))
    }

    /// Bus address, class and ids when this is a PCI device.
    var pci: PCIFunction? {
        guard type == HWLOC_OBJ_PCI_DEVICE, let device = object.pointee.attr?.pointee.pcidev
        else { return nil }
        return PCIFunction(
            address: PCIAddress(
                domain: Int(device.domain), bus: Int(device.bus), device: Int(device.dev),
                function: Int(device.func)),
            deviceClass: Int(device.class_id), vendor: Int(device.vendor_id),
            device: Int(device.device_id))
    }

    /// Whether this is an operating system's GPU or coprocessor, and which; nil when neither.
    var computeDevice: ComputeDevice.Kind? {
        guard type == HWLOC_OBJ_OS_DEVICE, let device = object.pointee.attr?.pointee.osdev
        else { return nil }
        switch device.type {
        case HWLOC_OBJ_OSDEV_GPU: return .gpu
        case HWLOC_OBJ_OSDEV_COPROC: return .coprocessor
        default: return nil
        }
    }

    private func words(_ set: hwloc_const_bitmap_t) -> [UInt64] { TopologyObject.words(of: set) }

    /// The bits of a finite set, 64 a word.
    static func words(of set: hwloc_const_bitmap_t) -> [UInt64] {
        let count = hwloc_bitmap_nr_ulongs(set)
        guard count > 0 else { return [] }
        return (0..<UInt32(count)).map { UInt64(hwloc_bitmap_to_ith_ulong(set, $0)) }
    }
}

extension Topology {
    /// All objects of a type, in logical order.
    borrowing func objects(_ type: hwloc_obj_type_t) -> [TopologyObject] {
        let count = max(hwloc_get_nbobjs_by_type(handle, type), 0)
        return (0..<UInt32(count)).compactMap {
            hwloc_get_obj_by_type(handle, type, $0).map(TopologyObject.init)
        }
    }

    /// The machine itself.
    var root: TopologyObject? { hwloc_get_root_obj(handle).map(TopologyObject.init) }

    /// What hwloc knows of the kinds of cores (`hwloc_cpukinds_get_info`).
    borrowing func kinds() -> [CPUKind] {
        guard let set = hwloc_bitmap_alloc() else { return [] }
        defer { hwloc_bitmap_free(set) }
        return (0..<max(hwloc_cpukinds_get_nr(handle, 0), 0)).compactMap { index in
            var rank: Int32 = -1
            var count: UInt32 = 0
            var infos: UnsafeMutablePointer<hwloc_info_s>?
            guard
                hwloc_cpukinds_get_info(handle, UInt32(index), set, &rank, &count, &infos, 0) == 0,
                hwloc_bitmap_weight(set) > 0
            else { return nil }
            var kind = CPUKind(
                pus: CPUSet(words: TopologyObject.words(of: set)), rank: rank < 0 ? nil : Int(rank))
            for info in UnsafeBufferPointer(start: infos, count: Int(count)) {
                guard let name = info.name, let value = info.value else { continue }
                kind.take(String(cString: name), String(cString: value))
            }
            return kind
        }
    }

    /// Node-to-node latencies by the kernel's node numbers (`hwloc_distances_get_by_type`).
    borrowing func nodeLatencies() -> [(from: Int, to: Int, latency: Int)] {
        var count: UInt32 = 1
        var matrix: UnsafeMutablePointer<hwloc_distances_s>?
        let kind = UInt(HWLOC_DISTANCES_KIND_MEANS_LATENCY.rawValue)
        let result = hwloc_distances_get_by_type(
            handle, HWLOC_OBJ_NUMANODE, &count, &matrix, kind, 0)
        guard result == 0, count > 0, let matrix else { return [] }
        defer { hwloc_distances_release(handle, matrix) }
        let size = Int(matrix.pointee.nbobjs)
        guard let objects = matrix.pointee.objs, let values = matrix.pointee.values else {
            return []
        }
        let numbers = (0..<size).map { index in
            objects[index].flatMap { TopologyObject($0).osIndex } ?? -1
        }
        return (0..<size * size).map { index in
            (numbers[index / size], numbers[index % size], Int(clamping: values[index]))
        }
    }
}

extension CPUKind {
    /// Takes what one info of hwloc says; what is no amount is not known.
    fileprivate mutating func take(_ name: String, _ value: String) {
        let amount = Int(value).flatMap { (1...1_000_000_000).contains($0) ? $0 : nil }
        switch name {
        case "LinuxCapacity": capacity = amount
        case "FrequencyMaxMHz": maxMHz = amount
        case "CoreType": coreType = value
        default: break
        }
    }
}

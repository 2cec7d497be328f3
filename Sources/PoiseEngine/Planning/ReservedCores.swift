import PoiseModel

/// What is kept for the operating system: whole cores, and time on the shared cores.
///
/// The least capable class that has enough cores gives them: the system's chores do not need the
/// best cores. Of a class, the first cores are taken, where Linux puts its own work anyway.
struct ReservedCores {
    /// Core ids, ascending.
    private(set) var cores: [Int] = []
    /// Time left free on the shared cores of `coreClass`.
    private(set) var millicores = 0
    private(set) var coreClass: CoreClass = .performance

    init(_ reserve: Reserve, on map: CoreMap) {
        let wanted = min(reserve.millicores, map.coreCount.total * 1000)
        let needed = (wanted + 999) / 1000
        let classes = CoreClass.allCases.filter { map.coreCount[$0] > 0 }.reversed()
        let enough = classes.first { map.coreCount[$0] >= needed }
        var order = Array(classes)
        if let chosen = reserve.coreClass.flatMap({ map.coreCount[$0] > 0 ? $0 : nil }) ?? enough {
            order.removeAll { $0 == chosen }
            order.insert(chosen, at: 0)
        }
        var whole = wanted / 1000
        for source in order where whole > 0 || millicores == 0 {
            let ids = map.machine.cores.indices.filter { map.machine.cores[$0].class == source }
            let part = min(whole, ids.count)
            cores += ids.prefix(part)
            whole -= part
            if whole == 0, part < ids.count || wanted % 1000 == 0 {
                millicores = wanted % 1000
                coreClass = source
                break
            }
        }
        cores.sort()
    }

    /// All PUs of the reserved cores.
    func pus(of machine: Machine) -> CPUSet {
        cores.reduce(into: CPUSet()) { $0.formUnion(machine.cores[$1].pus) }
    }

    /// What is left for the features, in millicores a class.
    func supply(of map: CoreMap) -> PerClass<Int> {
        var supply = PerClass<Int>.zero
        for source in CoreClass.allCases { supply[source] = map.coreCount[source] * 1000 }
        for core in cores { supply[map.machine.cores[core].class] -= 1000 }
        supply[coreClass] -= millicores
        return supply
    }
}

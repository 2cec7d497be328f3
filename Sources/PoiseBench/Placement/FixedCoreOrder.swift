import PoiseModel

/// Counts first, then cores along an order that is fixed for each tenant, as in scx_layered:
/// tenants start at places spread over the machine and walk on from there; what was given last goes
/// first.
///
/// Like the original it takes every core to have as many CPUs as the first one.
struct FixedCoreOrder: InPlaceAllocator {
    var board: PUBoard
    private let unit: Int

    init(_ machine: ChurnMachine) {
        board = PUBoard(machine)
        unit = machine.machine.cores.first?.pus.count ?? 1
    }

    private func order(_ tenant: Int) -> [Core] {
        let cores = board.machine.machine.cores
        // Bits of the number reversed: the first two tenants are half a machine apart.
        var place = 0
        var number = tenant % ChurnStream.tenantsPerClass
        var bits = 1
        while bits < ChurnStream.tenantsPerClass {
            place = place * 2 + number % 2
            number /= 2
            bits *= 2
        }
        let start = place * cores.count / ChurnStream.tenantsPerClass
        return Array(cores[start...] + cores[..<start])
    }

    private func isFree(_ core: Core) -> Bool { core.pus.allSatisfy { board.owners[$0] == -1 } }

    mutating func apply(_ operation: ChurnOperation) {
        let wanted = operation.cores * board.machine.width[operation.coreClass]
        let units = (wanted + unit - 1) / unit
        let has = order(operation.tenant).count { core in
            core.pus.contains { board.owners[$0] == operation.tenant }
        }
        if units > has { grow(operation.tenant, by: units - has) }
        if units < has { shrink(operation.tenant, by: has - units) }
    }

    /// In cores: an allocation unit is taken to be one.
    mutating func grow(_ tenant: Int, by units: Int) {
        var missing = units
        for core in order(tenant) where missing > 0 && isFree(core) {
            board.give(core.pus, to: tenant)
            missing -= 1
        }
    }

    mutating func shrink(_ tenant: Int, by units: Int) {
        var left = units
        for core in order(tenant).reversed() where left > 0 {
            guard core.pus.contains(where: { board.owners[$0] == tenant }) else { continue }
            board.give(core.pus, to: -1)
            left -= 1
        }
    }
}

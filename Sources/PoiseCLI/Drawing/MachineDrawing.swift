package import PoiseModel

/// Draws a machine: packages, in them nodes with their memory and accelerators, in them the cores
/// by the caches that they share; with a plan, who has what.
package struct MachineDrawing {
    /// Up to here each core is a cell of its own; above, a character.
    private static let mostCells = 48
    /// Up to here there is room for names in each cell.
    private static let fewCores = 8

    private let machine: Machine
    private let ownership: Ownership?
    private let console: Console

    package init(_ machine: Machine, plan: AllocationPlan?, console: Console) {
        self.machine = machine
        ownership = plan.map { Ownership($0, on: machine) }
        self.console = console
    }

    package var lines: [String] {
        let places = machine.packages.map(block)
        let body = TextBlock.flowing(places, within: console.width).lines
        let parts = title + body + loose + classLegend + ownerLegend
        return parts.map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    private var title: [String] {
        var parts = [
            machine.name,
            count(machine.cores.count, "core") + ", " + count(machine.pus.count, "CPU"),
        ]
        if !machine.isThisSystem { parts.append("from a file") }
        let text = parts.joined(separator: console.glyphs.separator)
        return DisplayWidth.wrapped(text, to: console.width).map { console.paint(.bold, $0) }
    }

    private var isFolded: Bool { machine.cores.count > MachineDrawing.mostCells }

    private func block(_ package: Package) -> TextBlock {
        let cores = machine.cores.filter { $0.package == package.id }
        let own = Set(cores.map(\.node))
        let width = console.width - 4
        var blocks: [TextBlock] = []
        for node in machine.nodes where own.contains(node.id) {
            blocks.append(TextBlock(nodeLines(node)))
            blocks.append(body(cores.filter { $0.node == node.id }, within: width))
        }
        let withoutCores = machine.nodes.filter { node in
            !nodesWithCores.contains(node.id) && !node.pus.isDisjoint(with: package.pus)
        }
        for node in withoutCores { blocks.append(TextBlock(nodeLines(node))) }
        return TextBlock.stacked(blocks).framed("package \(package.id)", glyphs: console.glyphs)
    }

    private var nodesWithCores: Set<Int> { Set(machine.cores.map(\.node)) }

    private func nodeLines(_ node: NUMANode) -> [String] {
        let dot = console.glyphs.separator
        var parts = [
            console.paint(.bold, "node \(node.osIndex)"),
            node.bytes.map(QuantityText.bytes) ?? "memory unknown",
        ]
        if node.kind != .dram { parts.append(node.kind.rawValue.uppercased()) }
        if !nodesWithCores.contains(node.id) { parts.append("no cores of its own") }
        let devices = machine.accelerators.filter { $0.node == node.id }
        return DisplayWidth.wrapped(parts.joined(separator: dot), to: console.width - 4)
            + devices.flatMap(deviceLines)
    }

    private func deviceLines(_ device: Accelerator) -> [String] {
        let name = device.name.isEmpty ? device.kind.rawValue.uppercased() : device.name
        var parts = ["\(device.id) \(name)"]
        if let bytes = device.bytes, bytes > 0 { parts.append(QuantityText.bytes(bytes)) }
        if let ownership {
            let users = ownership.plan.features.indices.compactMap { position -> String? in
                let feature = ownership.plan.features[position]
                guard let share = feature.accelerators.first(where: { $0.id == device.id }) else {
                    return nil
                }
                let part =
                    share.sharePercent.map { "\($0) %" } ?? QuantityText.bytes(share.bytes)
                return "\(ownership.label(ofFeature: position)) \(feature.feature) \(part)"
            }
            parts.append(users.isEmpty ? "idle" : users.joined(separator: ", "))
        }
        let text = parts.joined(separator: console.glyphs.separator)
        return DisplayWidth.wrapped(text, to: console.width - 4)
    }

    private func body(_ cores: [Core], within width: Int) -> TextBlock {
        if isFolded {
            let (longest, columns) = rowShape
            return CoreRows(cores, on: machine, longest: longest)
                .block(ownership, columns: columns, console: console)
        }
        var groups: [(cluster: Int?, cores: [Core])] = []
        for core in cores {
            if let last = groups.last, last.cluster == core.cluster {
                groups[groups.count - 1].cores.append(core)
            } else {
                groups.append((core.cluster, [core]))
            }
        }
        let blocks = groups.map { group in
            let grid = CoreGrid(
                cores: group.cores, ownership: ownership, cellWidth: cellWidth, console: console
            ).block(within: width)
            guard !machine.clusters.isEmpty else { return grid }
            let title = group.cluster.map { machine.clusters[$0].title } ?? "no shared cache"
            return TextBlock.stacked([TextBlock([title]), grid])
        }
        return TextBlock.flowing(blocks, within: width)
    }

    /// Wide enough for every cell, and on a small machine for the owners' names too.
    private var cellWidth: Int {
        let least = machine.cores.map { CoreGrid.text(of: $0).count }.max() ?? 1
        guard let ownership, machine.cores.count <= MachineDrawing.fewCores else { return least }
        let names = machine.cores.map { core in
            let holder = ownership.holder(of: core)
            let label = ownership.label(of: holder, glyphs: console.glyphs)
            return DisplayWidth.of("\(label) \(ownership.name(of: holder))")
        }
        return max(least, min(14, names.max() ?? 0))
    }

    /// How many cores a row of a large machine has, and how wide its parts are.
    private var rowShape: (longest: Int, columns: CoreRows.Columns) {
        let holders = Set(machine.cores.compactMap { core in ownership?.holder(of: core) })
        let labels = holders.compactMap { ownership?.label(of: $0, glyphs: console.glyphs) }
        var longest = 32
        while true {
            let rows = CoreRows(machine.cores, on: machine, longest: longest).rows
            let columns = CoreRows.Columns(rows, labels: labels)
            if longest == 4 || columns.width <= console.width - 4 { return (longest, columns) }
            longest /= 2
        }
    }

    /// Memory and accelerators that belong to no package; equal nodes of memory share a line.
    private var loose: [String] {
        let everywhere = machine.packages.reduce(into: CPUSet()) { $0.formUnion($1.pus) }
        let memory = machine.nodes.filter { node in
            !nodesWithCores.contains(node.id) && node.pus.isDisjoint(with: everywhere)
        }
        var groups: [[NUMANode]] = []
        for node in memory {
            let hasDevices = machine.accelerators.contains { $0.node == node.id }
            let twin = groups.firstIndex { group in
                group[0].bytes == node.bytes && group[0].kind == node.kind
            }
            if let twin, !hasDevices {
                groups[twin].append(node)
            } else {
                groups.append([node])
            }
        }
        let devices = machine.accelerators.filter { $0.node == nil }
        return groups.flatMap(nodeLines) + devices.flatMap(deviceLines)
    }

    private func nodeLines(_ group: [NUMANode]) -> [String] {
        guard group.count > 1 else { return group.flatMap(nodeLines) }
        let bytes = group[0].bytes.map(QuantityText.bytes) ?? "memory unknown"
        var parts = ["nodes \(NodeSet(group.map(\.osIndex)))", "\(bytes) each"]
        if group[0].kind != .dram { parts.append(group[0].kind.rawValue.uppercased()) }
        parts.append("no cores of their own")
        let text = parts.joined(separator: console.glyphs.separator)
        return DisplayWidth.wrapped(text, to: console.width)
    }

    private var classLegend: [String] {
        var table = Table([.init(""), .init(""), .init(""), .init("", wraps: true)])
        for coreClass in machine.classes {
            let cores = machine.cores.filter { $0.class == coreClass }
            let pus = cores.reduce(into: CPUSet()) { $0.formUnion($1.pus) }
            table.add([
                .init(coreClass.letter, .coreClass(coreClass)), .init(coreClass.rawValue),
                .init(count(cores.count, "core")), .init("CPUs \(pus)"),
            ])
        }
        return [""] + table.lines(width: console.width, paint: console.paint)
    }

    private var ownerLegend: [String] {
        guard let ownership else { return [] }
        var table = Table([
            .init(""), .init("", wraps: true), .init(""), .init("", wraps: true),
        ])
        let features = ownership.plan.features.indices.map(Ownership.Holder.feature)
        let pools = ownership.pools.indices.map(Ownership.Holder.pool)
        for holder in features + pools + [.reserved, .idle] {
            let cores = ownership.cores(of: holder, on: machine)
            if cores.isEmpty, case .feature = holder {} else if cores.isEmpty { continue }
            let pus = cores.reduce(into: CPUSet()) { $0.formUnion($1.pus) }
            table.add([
                .init(
                    ownership.label(of: holder, glyphs: console.glyphs),
                    ownership.style(of: holder)),
                .init(meaning(of: holder, ownership)), .init(classes(of: cores)),
                .init(pus.isEmpty ? "" : "CPUs \(pus)"),
            ])
        }
        return [""] + table.lines(width: console.width, paint: console.paint)
    }

    private func meaning(of holder: Ownership.Holder, _ ownership: Ownership) -> String {
        switch holder {
        case .feature(let position):
            let feature = ownership.plan.features[position]
            let isShared = !feature.shared.isEmpty || !feature.borrowed.isEmpty
            let shared =
                feature.exclusive.isEmpty ? " (on shared cores)" : " (also on shared cores)"
            return feature.feature.name + (isShared ? shared : "")
        case .pool(let pool):
            let names = ownership.pools[pool].map { position in
                ownership.label(ofFeature: position) + " "
                    + ownership.plan.features[position].feature.name
            }
            let list = names.joined(separator: ", ")
            return names.count == 1 ? "shared time of \(list)" : "shared by \(list)"
        case .reserved: return "reserved for the system"
        case .idle: return "idle, nobody's"
        }
    }

    private func classes(of cores: [Core]) -> String {
        CoreClass.allCases.compactMap { coreClass in
            let count = cores.count { $0.class == coreClass }
            return count > 0 ? "\(count) \(coreClass.letter)" : nil
        }.joined(separator: " + ")
    }

    private func count(_ number: Int, _ thing: String) -> String {
        "\(number) \(thing)\(number == 1 ? "" : "s")"
    }
}

import Glibc
import PoiseLinux
import PoiseModel
import PoiseWire

/// What a unit had before it became a feature, and is given back.
struct UnitOrigin: Equatable {
    var properties: [UnitProperty]
    /// Whether it ran only because it became a feature.
    var startedHere = false
    /// Its cgroup below the mount, such as `/system.slice/nginx.service`.
    var controlGroup: String?
    /// The text of each control file: systemd leaves some as they were last set (an empty
    /// `AllowedCPUs` does not empty `cpuset.cpus`).
    var files: [String: String] = [:]
    /// The files that systemd already had for settings of this kind, which are not ours to remove.
    var dropIns: [String] = []

    /// Where systemd writes what is set until the next boot (`systemctl set-property --runtime`).
    private static func dropInFolder(of unit: String) -> String {
        "/run/systemd/system.control/\(unit).d"
    }

    init(_ state: UnitState, cgroupMount: String?) {
        properties = state.budget
        dropIns = Folder.names(in: UnitOrigin.dropInFolder(of: state.name))
        if state.isRunning { readFiles(of: state, cgroupMount: cgroupMount) }
    }

    mutating func readFiles(of state: UnitState, cgroupMount: String?) {
        controlGroup = state.controlGroup
        files = UnitOrigin.controls(of: state, cgroupMount: cgroupMount)
    }

    /// The text of each control file that there is.
    static func controls(of state: UnitState, cgroupMount: String?) -> [String: String] {
        guard let cgroupMount, let group = state.controlGroup else { return [:] }
        var texts: [String: String] = [:]
        for file in ControlFile.allCases {
            texts[file.rawValue] = ProcessFiles.text("\(cgroupMount)\(group)/\(file.rawValue)")
        }
        return texts
    }

    /// Removes the files that came with our budget; gives whether there were any, and what was
    /// refused.
    func removeDropIns(of unit: String) -> (removed: Bool, failures: [SystemError]) {
        let folder = UnitOrigin.dropInFolder(of: unit)
        var failures: [SystemError] = []
        let ours = Folder.names(in: folder).filter { !dropIns.contains($0) }
        for name in ours where unlink("\(folder)/\(name)") != 0 {
            failures.append(
                SystemError(
                    "unlink", on: "\(folder)/\(name)", Errno(errno),
                    advice: "systemctl revert \(unit) removes it"))
        }
        rmdir(folder)
        return (!ours.isEmpty, failures)
    }

    /// Writes the text of files that are otherwise now; gives what was refused.
    func restoreFiles(cgroupMount: String?) -> [SystemError] {
        guard let cgroupMount, let controlGroup else { return [] }
        var failures: [SystemError] = []
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            let path = "\(cgroupMount)\(controlGroup)/\(name)"
            guard let now = ProcessFiles.text(path), now != text else { continue }
            do throws(SystemError) {
                try FileDescriptor.open(path, 1).writeAll(Array((text.isEmpty ? "\n" : text).utf8))
            } catch {
                // The kernel takes no empty set while processes are there; it has all CPUs or
                // nodes then, which is the same to them.
                if text.allSatisfy(\.isWhitespace), error.errno == .noSpace { continue }
                failures.append(error)
            }
        }
        return failures
    }
}

extension UnitOrigin {
    var json: JSON {
        [
            "startedHere": .bool(startedHere), "controlGroup": JSON(controlGroup),
            "properties": .array(properties.map(\.json)),
            "dropIns": .array(dropIns.map(JSON.string)),
            "files": .object(
                files.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
        ]
    }

    init(json: JSON) throws(WireError) {
        startedHere = json["startedHere"]?.bool ?? false
        controlGroup = json["controlGroup"]?.string
        dropIns = (json["dropIns"]?.array ?? []).compactMap(\.string)
        properties = []
        for entry in json["properties"]?.array ?? [] {
            properties.append(try UnitProperty(json: entry))
        }
        for member in json["files"]?.members ?? [] { files[member.key] = member.value.string }
    }
}

extension UnitProperty {
    fileprivate var json: JSON {
        let value: JSON =
            switch self {
            case .allowedCPUs(let set): .string(set.description)
            case .allowedMemoryNodes(let set): .string(set.description)
            case .cpuWeight(let amount), .cpuQuota(let amount), .memoryMin(let amount),
                .memoryLow(let amount), .memoryHigh(let amount), .memoryMax(let amount),
                .memorySwapMax(let amount), .ioWeight(let amount), .tasksMax(let amount):
                JSON(amount)
            }
        return ["name": .string(name), "value": value]
    }

    fileprivate init(json: JSON) throws(WireError) {
        let amount = json["value"]?.integer
        let list = json["value"]?.string ?? ""
        switch json["name"]?.string {
        case "AllowedCPUs": self = .allowedCPUs(CPUSet(list) ?? [])
        case "AllowedMemoryNodes": self = .allowedMemoryNodes(NodeSet(list) ?? [])
        case "CPUWeight": self = .cpuWeight(amount)
        case "CPUQuotaPerSecUSec": self = .cpuQuota(microsecondsPerSecond: amount)
        case "MemoryMin": self = .memoryMin(amount)
        case "MemoryLow": self = .memoryLow(amount)
        case "MemoryHigh": self = .memoryHigh(amount)
        case "MemoryMax": self = .memoryMax(amount)
        case "MemorySwapMax": self = .memorySwapMax(amount)
        case "IOWeight": self = .ioWeight(amount)
        case "TasksMax": self = .tasksMax(amount)
        default: throw WireError("name", "is no property of a unit's budget")
        }
    }

    /// A budget as systemd takes it. What cgroups have and systemd does not (`cpu.idle`, huge
    /// pages, limits by device) is left out.
    static func budget(_ group: ControlGroup) -> [UnitProperty] {
        var all: [UnitProperty] = [.allowedCPUs(group.cpus)]
        func amount(_ file: ControlFile) -> Int? { group[ControlKey(file)].flatMap { Int($0) } }
        if let weight = amount(.cpuWeight) { all.append(.cpuWeight(weight)) }
        if let nodes = group[ControlKey(.cpusetMems)] {
            all.append(.allowedMemoryNodes(NodeSet(nodes) ?? []))
        }
        if let quota = group[ControlKey(.cpuMax)] {
            // Microseconds in 100 ms.
            let micros = quota.split(separator: " ").first.flatMap { Int($0) }
            all.append(.cpuQuota(microsecondsPerSecond: micros.map { $0 * 10 }))
        }
        all += [
            .memoryMin(amount(.memoryMin) ?? 0), .memoryLow(amount(.memoryLow) ?? 0),
            .memoryHigh(amount(.memoryHigh)), .memoryMax(amount(.memoryMax)),
        ]
        if group[ControlKey(.memorySwapMax)] != nil {
            all.append(.memorySwapMax(amount(.memorySwapMax)))
        }
        if let weight = group[ControlKey(.ioWeight)] {
            all.append(.ioWeight(Int(weight.split(separator: " ").last ?? "")))
        }
        if group[ControlKey(.pidsMax)] != nil { all.append(.tasksMax(amount(.pidsMax))) }
        return all
    }
}

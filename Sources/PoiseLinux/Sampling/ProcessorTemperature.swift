import Glibc

/// The hottest sensor of the processors; its files stay open.
///
/// Read are the sensors of the processors' own drivers (`hwmon`: coretemp, k10temp and others) and
/// the thermal zones that are named after a processor. What the firmware calls the temperature of
/// the machine (`acpitz`) is used only where there is nothing else: it may be of the case.
package final class ProcessorTemperature {
    private let sensors: [KernelFile]

    private static let drivers = ["coretemp", "k10temp", "zenpower", "cpu_thermal", "via_cputemp"]

    /// - Parameter root: of the kernel's `sysfs`.
    package init(sysfs root: String = "/sys") {
        var best: [String] = []
        var firmware: [String] = []
        for folder in Self.folders(in: "\(root)/class/hwmon", named: "hwmon")
        where Self.word(in: "\(folder)/name").map(Self.drivers.contains) ?? false {
            best += (1...128).map { "\(folder)/temp\($0)_input" }
                .filter { access($0, R_OK) == 0 }
        }
        for folder in Self.folders(in: "\(root)/class/thermal", named: "thermal_zone") {
            guard let kind = Self.word(in: "\(folder)/type") else { continue }
            if Self.isProcessor(kind) {
                best.append("\(folder)/temp")
            } else if kind == "acpitz" {
                firmware.append("\(folder)/temp")
            }
        }
        sensors = (best.isEmpty ? firmware : best).compactMap { KernelFile($0, room: 32) }
    }

    /// How many sensors there are.
    package var count: Int { sensors.count }

    /// The hottest of all, in thousandths of a degree Celsius; nil when none can be read.
    package func read() -> Int? { sensors.compactMap { Self.value($0) }.max() }

    private static func isProcessor(_ kind: String) -> Bool {
        let kind = kind.lowercased()
        return kind == "x86_pkg_temp" || kind.hasPrefix("cpu") || kind.hasPrefix("soc")
            || kind.hasPrefix("package") || kind.contains("cpu-thermal")
    }

    private static func value(_ file: KernelFile) -> Int? {
        guard let bytes = file.read() else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // Sensors that are switched off say what no processor has.
        return Int(text.filter { !$0.isWhitespace }).flatMap {
            (-100_000...250_000).contains($0) ? $0 : nil
        }
    }

    private static func word(in path: String) -> String? {
        ProcessFiles.text(path).map { $0.filter { !$0.isWhitespace } }
    }

    private static func folders(in path: String, named prefix: String) -> [String] {
        (0..<256).map { "\(path)/\(prefix)\($0)" }.filter { access($0, F_OK) == 0 }
    }
}

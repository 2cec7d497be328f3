// swift-tools-version: 6.2
import PackageDescription

// One line per room; the import table in ARCHITECTURE.md says what each may see, and
// TidyTests holds the sources to it.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

func room(
    _ name: String, sees: [Target.Dependency] = [], path: String? = nil, exclude: [String] = []
) -> Target {
    .target(
        name: name, dependencies: sees, path: path, exclude: exclude, swiftSettings: strict)
}

func program(_ name: String, sees: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: sees, swiftSettings: strict)
}

func tests(_ name: String, sees: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: sees, exclude: exclude, swiftSettings: strict)
}

func systemLibrary(_ name: String, pkgConfig: String, apt package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
    name: "poise",
    products: [
        .executable(name: "poised", targets: ["poised"]),
        .executable(name: "poise", targets: ["poise"]),
        .executable(name: "poise-host", targets: ["poise-host"]),
        .library(name: "PoisePlugin", targets: ["PoisePlugin"]),
        .library(name: "PluginABI", targets: ["PluginABI"]),
        .library(name: "streaming", type: .dynamic, targets: ["Streaming"]),
        .library(name: "digest", type: .dynamic, targets: ["Digest"]),
        .library(name: "poise-malloc-count", type: .dynamic, targets: ["CAllocationCount"]),
        .library(name: "catalogue-plugins", type: .dynamic, targets: ["CataloguePlugins"]),
    ],
    targets: [
        systemLibrary("CHwloc", pkgConfig: "hwloc", apt: "libhwloc-dev"),
        systemLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        systemLibrary("CJansson", pkgConfig: "jansson", apt: "libjansson-dev"),
        systemLibrary("CSystemd", pkgConfig: "libsystemd", apt: "libsystemd-dev"),
        .systemLibrary(name: "CXattr"),
        systemLibrary("CSeccomp", pkgConfig: "libseccomp", apt: "libseccomp-dev"),
        systemLibrary("CLibcap", pkgConfig: "libcap", apt: "libcap-dev"),
        systemLibrary("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
        .target(name: "CLinux"),
        .target(name: "PluginABI"),
        .target(name: "CAllocationCount"),

        // The mathematical functions of the standard library live in libm.
        .target(
            name: "PoiseModel", swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),
        room("PoiseEngine", sees: ["PoiseModel"]),
        room("PoiseSimulator", sees: ["PoiseModel", "PoiseEngine"]),
        room("PoiseHardware", sees: ["PoiseModel", "CHwloc", "CXattr"]),
        room("PoisePolicyFile", sees: ["PoiseModel", "CYAML"]),
        room("PoiseLinux", sees: ["PoiseModel", "CLinux", "CSystemd"]),
        room("PoiseBus", sees: ["PoiseModel", "CLinux"]),
        room("PoiseWire", sees: ["PoiseModel", "CJansson"]),
        room(
            "PoisePlugin", sees: ["PoiseModel", "PoiseWire", "PluginABI", "CLinux"],
            exclude: ["Templates"]),
        room(
            "PoiseHistory",
            sees: ["PoiseModel", "PoiseEngine", "PoiseLinux", "PoiseWire", "CLinux", "CSQLite"]),
        room(
            "PoiseDaemon",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseHardware", "PoisePolicyFile", "PoiseLinux",
                "PoiseBus", "PoiseWire", "PoiseHistory",
            ]),

        program("poised", sees: ["PoiseDaemon"]),
        room(
            "PoiseBench", sees: ["PoiseModel", "PoiseEngine", "PoiseLinux", "PoiseBus", "CLinux"]),
        room(
            "PoiseCLI",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseHardware", "PoisePolicyFile", "PoiseWire",
                "PoiseBench", "PoiseSimulator", "PoiseHistory",
            ]),
        program("poise", sees: ["PoiseCLI"]),
        program(
            "poise-host",
            sees: [
                "PoiseModel", "PoiseWire", "PoiseBus", "PluginABI", "CLinux", "CSeccomp", "CLibcap",
            ]),

        room("StreamingCore", sees: ["PoiseModel"], path: "Plugins/Streaming/Core"),
        room(
            "Streaming", sees: ["PoiseModel", "PoisePlugin", "StreamingCore"],
            path: "Plugins/Streaming/Plugin"),
        room("DigestCore", sees: ["PoiseModel"], path: "Plugins/Digest/Core"),
        room(
            "Digest", sees: ["PoiseModel", "PoisePlugin", "DigestCore"],
            path: "Plugins/Digest/Plugin"),

        .target(
            name: "PoiseTestSupport", dependencies: ["PoiseModel", "PoiseEngine", "PoiseLinux"],
            path: "Tests/PoiseTestSupport", swiftSettings: strict),
        tests("PoiseModelTests", sees: ["PoiseModel", "PoiseTestSupport"]),
        .testTarget(
            name: "PoiseEngineTests",
            dependencies: [
                "PoiseModel", "PoiseEngine", "PoiseHardware", "PoisePolicyFile", "PoiseWire",
                "PoiseTestSupport",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        tests(
            "PoiseSimulatorTests",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseSimulator", "PoiseHardware", "PoisePolicyFile",
                "PoiseTestSupport",
            ]),
        tests(
            "PoiseHardwareTests",
            sees: ["PoiseModel", "PoiseHardware", "CXattr", "PoiseTestSupport"]),
        tests("PoisePolicyFileTests", sees: ["PoiseModel", "PoisePolicyFile", "PoiseTestSupport"]),
        // A service that does what its arguments say, for tests to start.
        .executableTarget(
            name: "service-probe", dependencies: ["PoiseModel", "PoiseLinux"],
            path: "Tests/ServiceProbe", swiftSettings: strict),
        tests(
            "PoiseLinuxTests",
            sees: [
                "PoiseModel", "PoiseLinux", "CSystemd", "PoiseTestSupport", "service-probe",
            ]),
        // The other process of the bus's tests: sends, receives and may be killed at any moment.
        .executableTarget(
            name: "bus-peer", dependencies: ["PoiseModel", "PoiseBus"], path: "Tests/BusPeer",
            swiftSettings: strict),
        tests(
            "PoiseBusTests",
            sees: ["PoiseModel", "PoiseBus", "CLinux", "PoiseTestSupport", "bus-peer"]),
        tests("PoiseWireTests", sees: ["PoiseModel", "PoiseWire", "PoiseTestSupport"]),
        tests(
            "PoiseHistoryTests",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseLinux", "PoiseWire", "PoiseHistory",
                "PoiseTestSupport",
            ]),
        tests(
            "PoisePluginTests",
            sees: [
                "PoiseModel", "PoiseWire", "PoiseBus", "PoisePlugin", "PluginABI", "CLinux",
                "PoiseTestSupport", "poise-host",
            ],
            exclude: ["Plugins"]),
        tests(
            "StreamingTests",
            sees: [
                "PoiseModel", "PoiseWire", "PoisePlugin", "Streaming", "StreamingCore",
                "DigestCore", "PoiseTestSupport",
            ]),
        // The catalogue of bad plugins: those in Swift, what is known of all, and what measures them.
        room(
            "CataloguePlugins", sees: ["PoiseModel", "PoisePlugin"],
            path: "Tests/Catalogue/SwiftPlugins"),
        room("CatalogueKit", path: "Tests/Catalogue/Kit"),
        .executableTarget(
            name: "catalogue",
            dependencies: ["PoiseModel", "PoiseLinux", "PoiseWire", "CatalogueKit"],
            path: "Tests/Catalogue/Runner", swiftSettings: strict),
        tests(
            "PoiseDaemonTests",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseWire", "PoiseLinux", "PoiseDaemon",
                "PoiseBus", "PoiseHistory", "PoiseTestSupport", "poised", "poise-host", "poise",
                "Streaming", "CatalogueKit",
            ]),
        tests(
            "PoiseCLITests",
            sees: [
                "PoiseModel", "PoiseEngine", "PoiseHardware", "PoisePolicyFile", "PoiseWire",
                "PoiseSimulator", "PoiseCLI", "PoiseHistory", "PoiseTestSupport", "poise",
                "poise-host",
            ]),
        tests(
            "PoiseBenchTests",
            sees: [
                "PoiseModel", "PoiseBench", "PoiseBus", "PoiseLinux", "PoiseHardware",
                "PoiseTestSupport",
            ]),
        tests("TidyTests", sees: ["PoiseTestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

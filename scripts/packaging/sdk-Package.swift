// swift-tools-version: 6.2
import PackageDescription

// What a plugin in Swift is built against, where Poise is installed: the part of Poise's sources
// that plugins see. `poise plugin new` writes packages that depend on this one.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "poise",
    products: [
        .library(name: "PoisePlugin", targets: ["PoisePlugin"]),
        .library(name: "PluginABI", targets: ["PluginABI"]),
    ],
    targets: [
        .systemLibrary(
            name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .target(name: "CLinux"),
        .target(name: "PluginABI"),
        .target(
            name: "PoiseModel", swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "PoiseWire", dependencies: ["PoiseModel", "CJansson"], swiftSettings: strict),
        .target(
            name: "PoisePlugin", dependencies: ["PoiseModel", "PoiseWire", "PluginABI", "CLinux"],
            exclude: ["Templates"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.2
import PackageDescription

/// One strictness for every room; a warning is an error here and in CI.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A room of the house: what it may import is what stands here (Docs/Decisions/0001-floors.md).
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let ciphers = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")

let package = Package(
  name: "modemsmith",
  products: [
    .executable(name: "modemsmith", targets: ["modemsmith"]),
    .library(
      name: "Smith",
      targets: [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors", "SmithEngine", "SmithPorts", "SmithSimulators", "SmithBench", "SmithTrials",
        "SmithArchives",
      ]),
    // What the fuzzers need: everything that reads bytes from outside.
    .library(
      name: "SmithParsers",
      targets: [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors",
      ]),
    // What the library's fuzzer and measurements need besides.
    .library(name: "SmithLibrary", targets: ["SmithLibrary"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ],
  targets: [
    // Beside the floors: module maps of system libraries.
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(
      name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "CLibUSB", pkgConfig: "libusb-1.0", providers: [.apt(["libusb-1.0-0-dev"])]),
    .systemLibrary(
      name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    // Beside too, and C: what runs in the process that reads an archive.
    .target(name: "CArchiveReader", dependencies: ["CArchive"]),
    // Floor 0
    room("SmithBytes"),
    room("SmithModel", ["SmithBytes"]),
    // Floor 1
    room("SmithLink", ["SmithBytes", "SmithModel"]),
    room("SmithAT", ["SmithBytes", "SmithModel", "SmithLink"]),
    room("SmithFormats", ["SmithBytes", "SmithModel", "CZlib", "CLZMA"]),
    // Floor 2
    room(
      "SmithProtocols", ["SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats"]),
    // Floor 3
    .target(
      name: "SmithVendors",
      dependencies: [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        crypto, ciphers,
      ],
      resources: [
        .embedInCode("Devices/huawei-balong.json5"),
        .embedInCode("Devices/huawei-e153.json5"),
        .embedInCode("Devices/huawei-e1550.json5"),
        .embedInCode("Devices/huawei-e173.json5"),
        .embedInCode("Devices/huawei-e1750.json5"),
        .embedInCode("Devices/huawei-e220.json5"),
        .embedInCode("Devices/huawei-e303.json5"),
        .embedInCode("Devices/huawei-e3131.json5"),
        .embedInCode("Devices/huawei-e3276.json5"),
        .embedInCode("Devices/huawei-e3372h.json5"),
        .embedInCode("Devices/huawei-e3372s.json5"),
        .embedInCode("Devices/huawei-e353.json5"),
        .embedInCode("Devices/huawei-e3531.json5"),
        .embedInCode("Devices/huawei-e5.json5"),
        .embedInCode("Devices/huawei-siblings.json5"),
        .embedInCode("Devices/usb-ids.json5"),
        .embedInCode("Devices/zte.json5"),
        .embedInCode("Devices/alcatel.json5"),
      ], swiftSettings: strict),
    // Floor 4
    room(
      "SmithEngine",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors", crypto,
      ]),
    // Floor 5
    room(
      "SmithPorts",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithEngine", "CCurl", "CLibUSB",
        "CSystemd", "CZlib",
      ]),
    room("SmithArchives", ["SmithBytes", "SmithModel", "SmithFormats", "CArchiveReader"]),
    room(
      "SmithLibrary",
      [
        "SmithBytes", "SmithModel", "SmithFormats", "SmithVendors", "SmithEngine",
        "SmithArchives", crypto, grdb,
      ]),
    // Beside
    room("SmithSimulators", ["SmithBytes", "SmithModel", "SmithLink"]),
    room("SmithBench", ["SmithBytes", "SmithModel", "SmithLink"]),
    room(
      "SmithTrials",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithFormats", "SmithEngine", "SmithSimulators",
        "SmithBench",
      ]),
    // Floor 6
    room(
      "SmithCLI",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors", "SmithEngine", "SmithPorts", "SmithArchives", "SmithLibrary",
        "SmithPage", "SmithFleet", "SmithSimulators", "SmithBench", "SmithTrials", arguments,
      ]),
    room(
      "SmithPage",
      ["SmithBytes", "SmithModel", "SmithLink", "SmithEngine", "SmithPorts", crypto, flyingFox]),
    room(
      "SmithFleet",
      ["SmithModel", "SmithLink", "SmithFormats", "SmithVendors", "SmithEngine", crypto]),
    .executableTarget(
      name: "modemsmith", dependencies: ["SmithCLI"], swiftSettings: strict),
    // Tests
    tests("HouseTests", []),
    tests("SmithPortsTests", ["SmithBytes", "SmithLink", "SmithModel", "SmithPorts"]),
    tests(
      "SmithArchivesTests",
      [
        "SmithBytes", "SmithModel", "SmithBench", "SmithFormats", "SmithArchives", "CArchive",
        "CArchiveReader",
      ]),
    tests(
      "UsbTests",
      [
        "SmithBytes", "SmithLink", "SmithModel", "SmithVendors", "SmithEngine", "SmithPorts",
        "CSystemd",
      ]),
    tests(
      "SmithLibraryTests",
      [
        "SmithBytes", "SmithModel", "SmithFormats", "SmithProtocols", "SmithVendors",
        "SmithEngine", "SmithLibrary", "SmithSimulators", "SmithTrials", crypto, grdb,
      ]),
    tests("PageTests", ["SmithModel", "SmithLink", "SmithPage", "SmithPorts"]),
    tests("SmithBytesTests", ["SmithBytes"]),
    tests("SmithSimulatorsTests", ["SmithBytes", "SmithModel", "SmithLink", "SmithSimulators"]),
    tests(
      "SmithProtocolsTests",
      ["SmithBytes", "SmithModel", "SmithLink", "SmithProtocols", "SmithSimulators", "SmithBench"]),
    tests(
      "SmithEngineTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors",
        "SmithEngine", "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    tests(
      "UnlockTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithProtocols", "SmithVendors",
        "SmithEngine", "SmithFormats", "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    tests(
      "HuaweiQualcommTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithProtocols",
        "SmithVendors", "SmithEngine", "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    tests(
      "USBIPTests", ["SmithBytes", "SmithModel", "SmithLink", "SmithPorts", "SmithSimulators"]),
    tests("SmithATTests", ["SmithAT", "SmithBytes", "SmithLink", "SmithModel"]),
    tests("SmithVendorsTests", ["SmithVendors", "SmithAT", "SmithLink", "SmithModel"]),
    tests("SmithFormatsTests", ["SmithBytes", "SmithModel", "SmithBench", "SmithFormats"]),
    tests(
      "HiLinkTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithVendors",
        "SmithEngine", "SmithSimulators", "SmithBench", "SmithTrials", "SmithPorts",
      ]),
    tests(
      "ZTETests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithVendors",
        "SmithEngine", "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    tests(
      "AlcatelTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithAT", "SmithFormats", "SmithVendors",
        "SmithEngine", "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    tests(
      "FleetTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithFormats", "SmithVendors", "SmithEngine",
        "SmithFleet",
        "SmithSimulators", "SmithBench", "SmithTrials",
      ]),
    // Runs the executable as its owner does; imports none of it.
    tests("FaceTests", ["SmithLink", "SmithPorts"]),
    tests(
      "SmithQualcommTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithFormats", "SmithProtocols",
        "SmithSimulators", "SmithBench",
      ]),
    tests(
      "FirehoseTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithFormats", "SmithProtocols", "SmithVendors",
        "SmithAT", "SmithSimulators", "SmithEngine", "SmithBench", "SmithTrials", crypto,
      ]),
    tests(
      "SierraTests",
      [
        "SmithBytes", "SmithModel", "SmithLink", "SmithFormats", "SmithProtocols", "SmithVendors",
        "SmithAT", "SmithSimulators", "SmithEngine", "SmithBench", "SmithTrials", "SmithPorts",
        "CZlib",
      ]),
  ]
)

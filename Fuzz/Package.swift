// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers of everything that reads bytes from outside. A nested package, so that a normal build
/// knows nothing of it. `make fuzz` builds each with libFuzzer and runs it.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .unsafeFlags(["-parse-as-library"]),
]

func fuzzer(_ name: String, _ product: String = "SmithParsers") -> Target {
  .executableTarget(
    name: name, dependencies: ["FuzzKit", .product(name: product, package: "modemsmith")],
    swiftSettings: settings)
}

/// The one that needs the simulated sticks and their server too.
func serverFuzzer(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: [.product(name: "Smith", package: "modemsmith")],
    swiftSettings: settings)
}

let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "modemsmith", path: "..")],
  targets: [
    // The far end of a link that the fuzzers of procedures have in common.
    .target(
      name: "FuzzKit", dependencies: [.product(name: "SmithParsers", package: "modemsmith")],
      swiftSettings: settings),
    fuzzer("FuzzHDLC"),
    fuzzer("FuzzAT"),
    fuzzer("FuzzMonitor"),
    fuzzer("FuzzQualcomm"),
    fuzzer("FuzzSierra"),
    fuzzer("FuzzPages"),
    fuzzer("FuzzBalongImage"),
    fuzzer("FuzzISO9660"),
    fuzzer("FuzzBalongLoader"),
    fuzzer("FuzzHiLink"),
    fuzzer("FuzzTextXML"),
    fuzzer("FuzzCatalogue", "SmithLibrary"),
    fuzzer("FuzzCabinet", "SmithLibrary"),
    // What needs the system or the simulated sticks lives on upper floors.
    serverFuzzer("FuzzUSB"),
    serverFuzzer("FuzzUSBIP"),
  ]
)

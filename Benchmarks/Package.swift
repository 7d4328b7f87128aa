// swift-tools-version: 6.2
import PackageDescription

/// Measurements and storms: a nested package, so that a normal build knows nothing of them.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "modemsmith", path: "..")],
  targets: [
    .executableTarget(
      name: "smith-storm", dependencies: [.product(name: "Smith", package: "modemsmith")],
      swiftSettings: settings),
    // The far end of the measured cable, in C so that it never is the slow one.
    .target(name: "CBenchSink"),
    .executableTarget(
      name: "smith-bench",
      dependencies: [
        "CBenchSink", .product(name: "Smith", package: "modemsmith"),
        .product(name: "SmithLibrary", package: "modemsmith"),
      ],
      swiftSettings: settings),
  ]
)

// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers live apart, so that they never burden a normal build. How to run one:
/// `Fuzz/README.md`.
let package = Package(
  name: "modemsmith-fuzz",
  dependencies: [.package(name: "modemsmith", path: "..")],
  targets: [
    .executableTarget(
      name: "FuzzBalongImage",
      dependencies: [.product(name: "Smith", package: "modemsmith")],
      swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-parse-as-library"])])
  ]
)

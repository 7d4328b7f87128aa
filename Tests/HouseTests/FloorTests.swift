import Testing

@Suite("Floors") struct FloorTests {
  @Test("Every arrow of the manifest is one that the plan allows") func manifest() throws {
    let manifest = Manifest(try #require(House.text("Package.swift")))
    #expect(manifest.rooms.count { $0.kind == .library } >= 11)
    #expect(manifest.rooms.contains { $0.name == "SmithEngine" && $0.outside == ["crypto"] })
    #expect(manifest.rooms.contains { $0.name == "modemsmith" && $0.kind == .executable })
    expectNone(FloorPlan.house.violations(in: manifest))
  }

  @Test("The plan itself has no arrow that points up") func plan() {
    expectNone(FloorPlan.house.upwardArrows)
    #expect(
      FloorPlan(places: [
        "Low": .init(floor: 0, mayImport: ["High"]), "High": .init(floor: 1, mayImport: []),
      ]).upwardArrows == ["Low -> High"])
  }

  @Test("Every file imports only from its own floor and below") func imports() {
    expectNone(House.swiftFiles.flatMap { FloorPlan.house.violations(in: $0) })
  }

  @Test("A manifest with an arrow that points up is caught") func badManifest() {
    let manifest = Manifest(
      """
      let package = Package(
        targets: [
          // room("Commented", ["SmithCLI"]),
          room("SmithBytes", ["SmithEngine"]),
          room("SmithSimulators", ["SmithBytes", "SmithFormats"]),
          room(
            "SmithPorts", ["SmithBytes", crypto]),
          room("SmithNew"),
          .systemLibrary(name: "CEvil", pkgConfig: "evil", providers: [.apt(["evil"])]),
          .executableTarget(name: "modemsmith", dependencies: ["SmithEngine"]),
          tests("SmithBytesTests", ["SmithBytes", "SmithEngine"]),
        ]
      )
      """.replacing("let package = Package(\n  targets", with: "\n  targets"))
    #expect(
      FloorPlan.house.violations(in: manifest) == [
        "SmithBytes on floor 0 may not name SmithEngine",
        "SmithSimulators on floor 2 may not name SmithFormats",
        "SmithPorts may not name the outside package crypto",
        "SmithNew has no floor: add it to FloorPlan.house and to decision 0001",
        "modemsmith on floor 7 may not name SmithEngine",
        "CEvil is no system library of the plan",
      ])
  }

  @Test("A file that imports from above, or Foundation down low, is caught") func badFile() {
    let file = SwiftFile(
      path: "Sources/SmithBytes/Bad.swift",
      text: """
        // import SmithCLI
        public import SmithVendors
        @preconcurrency import struct Foundation.Data
        import Synchronization
        """)
    #expect(
      FloorPlan.house.violations(in: file) == [
        "Sources/SmithBytes/Bad.swift:2 imports SmithVendors from floor 0",
        "Sources/SmithBytes/Bad.swift:3 imports Foundation; floors 0-2 do without",
      ])
  }
}

import Testing

/// Whoever takes a stick for itself among our own programs asks ModemManager for it too.
enum Holds {
  /// Files in which more locks are taken than other programs are kept away.
  static func complaints(about files: [SwiftFile]) -> [String] {
    files.compactMap { file in
      let locks = count("state.hold(", in: file)
      let holds = ["manners(", ".keepAway("].map { count($0, in: file) }.reduce(0, +)
      return holds < locks
        ? "\(file.path): takes \(locks) locks, keeps ModemManager away \(holds) times" : nil
    }
  }

  private static func count(_ word: String, in file: SwiftFile) -> Int {
    file.text.split(separator: "\n").count { $0.contains(word) }
  }
}

@Suite("Who takes a stick") struct HoldTests {
  @Test("Every command that takes a stick's lock keeps ModemManager away from it") func house() {
    let commands = House.swiftFiles.filter { $0.room == "SmithCLI" }
    #expect(commands.contains { $0.text.contains("state.hold(") })
    #expect(Holds.complaints(about: commands) == [])
  }

  @Test("A command that takes the lock alone is caught") func bad() {
    let file = SwiftFile(
      path: "Sources/SmithCLI/X.swift", text: "let lock = try state.hold(place, json: true)\n")
    #expect(Holds.complaints(about: [file]).count == 1)
    let good = SwiftFile(
      path: file.path, text: file.text + "let manners = try await owner.manners(at: place)\n")
    #expect(Holds.complaints(about: [good]) == [])
  }
}

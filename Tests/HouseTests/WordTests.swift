import Testing

/// Words that have no place in finished code.
enum Words {
  struct Rule {
    var word: String
    /// Whether the word is looked for in comments and literals too.
    var everywhere = false
    /// Whether a letter or a dot before it makes it another word.
    var standsAlone = true
    /// Where it is looked for.
    var applies: @Sendable (SwiftFile) -> Bool
    var advice: String
  }

  /// Faces write to the terminal; measuring programs print what they measured.
  static let mayPrint: Set<String> = ["SmithCLI", "SmithFleet", "modemsmith"]

  // The words are put together from pieces, or this file would be its own first finding.
  static let rules: [Rule] = [
    Rule(
      word: "try" + "!", applies: { _ in true }, advice: "say what happens when it fails"),
    Rule(
      word: "fatal" + "Error(", applies: { !$0.path.hasPrefix("Tests/") },
      advice: "throw instead: a stick may be half written"),
    Rule(
      word: "print" + "(",
      applies: { $0.path.hasPrefix("Sources/") && !mayPrint.contains($0.room) },
      advice: "only faces write to the terminal"),
    Rule(
      word: "TO" + "DO", everywhere: true, applies: { _ in true },
      advice: "do it, or write it in the issue"),
    Rule(
      word: "FIX" + "ME", everywhere: true, applies: { _ in true },
      advice: "do it, or write it in the issue"),
    Rule(
      word: "sleep(", standsAlone: false, applies: { $0.path.hasPrefix("Tests/") },
      advice: "tests wait for events or run in virtual time"),
  ]

  static func violations(in file: SwiftFile) -> [String] {
    let code = file.lexed.codeLines
    let raw = file.text.split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    return rules.filter { $0.applies(file) }.flatMap { rule in
      (rule.everywhere ? raw : code).enumerated().compactMap { offset, line in
        contains(rule, line)
          ? "\(file.path):\(offset + 1) \(rule.word): \(rule.advice)" : nil
      }
    }
  }

  private static func contains(_ rule: Rule, _ line: String) -> Bool {
    line.ranges(of: rule.word).contains { range in
      guard rule.standsAlone, range.lowerBound > line.startIndex else { return true }
      let previous = line[line.index(before: range.lowerBound)]
      return !(previous.isLetter || previous.isNumber || previous == "_" || previous == ".")
    }
  }
}

@Suite("Words") struct WordTests {
  @Test("No trap, no stray output, no note to self, no waiting in tests") func house() {
    expectNone(House.swiftFiles.flatMap { Words.violations(in: $0) })
  }

  @Test("Each forbidden word is caught where it counts and left alone elsewhere") func bad() {
    let note = "TO" + "DO"
    let text = """
      let a = try\("!") b()  // \(note)
      fatal\("Error")("gone")
      print\("(")a) ; fingerprint\("(")a) ; self.print\("(")a)
      // print\("(")a)
      try await Task.sleep(for: .seconds(1))
      """
    func count(_ path: String) -> Int {
      Words.violations(in: SwiftFile(path: path, text: text)).count
    }
    #expect(count("Sources/SmithEngine/A.swift") == 4)
    #expect(count("Sources/SmithCLI/A.swift") == 3)
    #expect(count("Tests/SmithCLITests/A.swift") == 3)
    #expect(count("Benchmarks/Sources/A/A.swift") == 3)
  }
}

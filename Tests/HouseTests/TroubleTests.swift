import Testing

/// The trouble codes of the source, their pages, and their tests.
struct TroubleCodes {
  /// Code and the place where it was first seen.
  private(set) var found: [String: String] = [:]

  /// Endings of file names, which have the shape of a code.
  private static let fileEndings: Set<String> = [
    "json", "jsonl", "log", "txt", "bin", "md", "swift", "lock", "sqlite", "db", "pid", "tmp",
    "old", "new", "part", "csv",
  ]

  /// Finds what is handed to `Trouble(...)` or `code:`, and every other literal of the shape of a
  /// code in an area that is known by then: codes often stand in a switch.
  init(in files: [SwiftFile], knownAreas: Set<String>) {
    let literals = files.flatMap { file in
      file.lexed.literals.compactMap { literal in
        Self.isCode(literal.text) ? (literal, "\(file.path):\(literal.line)") : nil
      }
    }
    for (literal, place) in literals
    where literal.before.hasSuffix("Trouble(") || literal.before.hasSuffix("code:") {
      found[literal.text] = found[literal.text] ?? place
    }
    let areas = knownAreas.union(found.keys.map(Self.area))
    for (literal, place) in literals
    where areas.contains(Self.area(literal.text)) {
      found[literal.text] = found[literal.text] ?? place
    }
  }

  static func area(_ code: String) -> String { String(code.prefix { $0 != "." }) }

  /// `area.kebab-case`.
  static func isCode(_ text: String) -> Bool {
    guard let match = text.wholeMatch(of: /[a-z][a-z0-9]*\.([a-z0-9]+(?:-[a-z0-9]+)*)/)
    else { return false }
    return !fileEndings.contains(String(match.output.1))
  }

  /// Every code needs a page and a test; every page needs a code or its place among `ahead`.
  func violations(pages: [String: String], tests: String, ahead: Set<String>) -> [String] {
    var result: [String] = []
    for (code, place) in found.sorted(by: { $0.key < $1.key }) {
      if pages[code] == nil {
        result.append("\(place) raises \(code): Docs/Troubles/\(code).md is missing")
      }
      if !tests.contains("\"\(code)\"") {
        result.append("\(place) raises \(code): no test names it")
      }
      if ahead.contains(code) {
        result.append("\(code) is raised now: take it off TroubleCodes.pagesAhead")
      }
    }
    for (code, text) in pages.sorted(by: { $0.key < $1.key }) {
      if found[code] == nil, !ahead.contains(code) {
        result.append("Docs/Troubles/\(code).md belongs to no code of the source")
      }
      result += Self.formViolations(of: code, text)
    }
    for code in ahead.sorted() where pages[code] == nil {
      result.append("\(code) of TroubleCodes.pagesAhead has no page")
    }
    return result
  }

  static let headings = ["What it means", "What became of the stick", "What to do"]

  static func formViolations(of code: String, _ text: String) -> [String] {
    let lines = text.split(separator: "\n").map(String.init)
    var result: [String] = []
    if lines.first?.contains(code) != true || lines.first?.hasPrefix("# ") != true {
      result.append("Docs/Troubles/\(code).md does not begin with its code")
    }
    for heading in headings where !text.contains(heading) {
      result.append("Docs/Troubles/\(code).md lacks \"\(heading)\"")
    }
    if lines.count > 30 { result.append("Docs/Troubles/\(code).md is longer than a page") }
    return result
  }
}

@Suite("Troubles") struct TroubleTests {
  /// The pages by code.
  private var pages: [String: String] {
    let prefix = "Docs/Troubles/"
    return Dictionary(
      House.pages.filter { $0.path.hasPrefix(prefix) && !$0.path.hasSuffix("README.md") }
        .map { (String($0.path.dropFirst(prefix.count).dropLast(3)), $0.text) },
      uniquingKeysWith: { first, _ in first })
  }

  @Test("Every code has a page and a test, and every page a code") func house() {
    let pages = pages
    let codes = TroubleCodes(
      in: House.swiftFiles.filter { $0.path.hasPrefix("Sources/") },
      knownAreas: Set(pages.keys.map(TroubleCodes.area)))
    let tests = House.swiftFiles
      .filter { $0.path.hasPrefix("Tests/") && $0.room != "HouseTests" }
      .map(\.text).joined(separator: "\n")
    expectNone(
      codes.violations(pages: pages, tests: tests, ahead: TroubleCodes.pagesAhead))
  }

  @Test("Every rule that advice or a page has the owner waive can be waived") func rules() throws {
    let policy = try #require(House.text("Sources/SmithModel/Policy.swift"))
    let start = try #require(policy.firstRange(of: "enum Rule")).upperBound
    let end = try #require(policy[start...].firstRange(of: "\n  }")).lowerBound
    let names = policy[start..<end].matches(of: /case ([a-zA-Z]+)(?: = "([a-z-]+)")?/)
      .map { String($0.output.2 ?? $0.output.1) }
    #expect(names.contains("product-unknown") && names.contains("family"))
    let texts =
      House.swiftFiles.filter { $0.path.hasPrefix("Sources/") }.map { ($0.path, $0.text) }
      + House.pages.map { ($0.path, $0.text) }
    // The last one is no rule of the plan: `rescue` alone knows it.
    let known = Set(names + ["unproven-loader"])
    for (path, text) in texts where text.contains("--force") {
      for match in text.matches(of: /--force ([a-z-]+)/) {
        #expect(known.contains(String(match.output.1)), "\(path): \(match.output.0)")
      }
    }
  }

  @Test("A code without page or test, and a page without code, are caught") func bad() {
    let source = SwiftFile(
      path: "Sources/SmithEngine/A.swift",
      text: """
        // Trouble("port.comment", ...)
        throw Trouble(
          "port.busy", "Text")
        let code = switch self { case .a: "port.gone" case .b: "port.log" }
        let other = "unrelated.thing"
        report(code: "lock.held")
        """)
    let codes = TroubleCodes(in: [source], knownAreas: [])
    #expect(codes.found.keys.sorted() == ["lock.held", "port.busy", "port.gone"])
    let good = "# `port.busy`\n## What it means\n## What became of the stick\n## What to do\n"
    let result = codes.violations(
      pages: ["port.busy": good, "port.lost": good], tests: "\"port.busy\" \"lock.held\"",
      ahead: ["port.busy", "port.never"])
    #expect(
      result == [
        "Sources/SmithEngine/A.swift:6 raises lock.held: Docs/Troubles/lock.held.md is missing",
        "port.busy is raised now: take it off TroubleCodes.pagesAhead",
        "Sources/SmithEngine/A.swift:4 raises port.gone: Docs/Troubles/port.gone.md is missing",
        "Sources/SmithEngine/A.swift:4 raises port.gone: no test names it",
        "Docs/Troubles/port.lost.md belongs to no code of the source",
        "Docs/Troubles/port.lost.md does not begin with its code",
        "port.never of TroubleCodes.pagesAhead has no page",
      ])
    #expect(TroubleCodes.formViolations(of: "port.busy", "# `port.busy`\nNothing.").count == 3)
  }
}

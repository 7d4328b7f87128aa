import Testing

/// What is allowed to be longer than the house rule, each with the reason.
///
/// A line that is no longer needed fails too, so the table only ever holds what is true.
struct SizeException {
  var path: String
  /// The function's name; nil for the file itself.
  var function: String?
  var reason: String

  static let table: [SizeException] = []
}

enum Sizes {
  static let functionLimit = 70
  static let fileLimit = 500

  /// Tables of data, not code: published vectors, wire tables.
  static func isData(_ path: String) -> Bool {
    ["Vectors.swift", "Tables.swift", "Table.swift"].contains { path.hasSuffix($0) }
  }

  static func violations(in files: [SwiftFile], except table: [SizeException]) -> [String] {
    var used: Set<Int> = []
    func isExcepted(_ path: String, _ function: String?) -> Bool {
      guard let at = table.firstIndex(where: { $0.path == path && $0.function == function })
      else { return false }
      used.insert(at)
      return true
    }
    var found: [String] = []
    for file in files where !isData(file.path) {
      if file.lineCount > fileLimit, !isExcepted(file.path, nil) {
        found.append("\(file.path) has \(file.lineCount) lines; \(fileLimit) are a sitting")
      }
      for span in file.lexed.functions where span.lines > functionLimit {
        if !isExcepted(file.path, span.name) {
          found.append(
            "\(file.path):\(span.line) \(span.name) has \(span.lines) lines; "
              + "\(functionLimit) are a screen")
        }
      }
    }
    for (index, entry) in table.enumerated() {
      if !used.contains(index) {
        found.append("the exception for \(entry.path) is no longer needed: take it off")
      }
      if entry.reason.count < 10 { found.append("the exception for \(entry.path) has no reason") }
    }
    return found
  }
}

@Suite("Sizes") struct SizeTests {
  @Test("Functions fit a screen and files a sitting") func house() {
    #expect(House.swiftFiles.count > 10)
    expectNone(Sizes.violations(in: House.swiftFiles, except: SizeException.table))
  }

  @Test("A long function, a long file and a stale exception are caught") func bad() {
    let body = String(repeating: "  one()\n", count: 69)
    let long = SwiftFile(path: "Sources/A/Long.swift", text: "func big() {\n\(body)}\n")
    let fits = SwiftFile(
      path: "Sources/A/Fits.swift", text: "func fits() {\n\(body.dropFirst(8))}\n")
    let file = SwiftFile(
      path: "Sources/A/File.swift", text: String(repeating: "let a = 1\n", count: 501))
    let data = SwiftFile(path: "Sources/A/WireTables.swift", text: file.text)
    let all = [long, fits, file, data]
    #expect(
      Sizes.violations(in: all, except: []) == [
        "Sources/A/Long.swift:1 big has 71 lines; 70 are a screen",
        "Sources/A/File.swift has 501 lines; 500 are a sitting",
      ])
    let table = [
      SizeException(path: long.path, function: "big", reason: "one arm for each reply"),
      SizeException(path: file.path, function: nil, reason: "short"),
      SizeException(path: "Sources/A/Gone.swift", function: nil, reason: "a table of states"),
    ]
    #expect(
      Sizes.violations(in: all, except: table) == [
        "the exception for Sources/A/File.swift has no reason",
        "the exception for Sources/A/Gone.swift is no longer needed: take it off",
      ])
  }
}

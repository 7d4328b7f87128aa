import Foundation
import Testing

/// The checkout these tests stand in, read once.
enum House {
  /// The folder of Package.swift.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file of the project, without build folders.
  static let swiftFiles: [SwiftFile] = ["Sources", "Tests", "Benchmarks", "Fuzz"]
    .flatMap { paths(under: $0, ending: ".swift") }
    .compactMap { path in text(path).map { SwiftFile(path: path, text: $0) } }

  /// Every Markdown page of the project.
  static let pages: [Page] =
    (paths(under: "Docs", ending: ".md")
    + ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
    .compactMap { path in text(path).map { Page(path: path, text: $0) } }

  /// The text of one file; nil if there is none.
  static func text(_ path: String) -> String? {
    try? String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// Paths relative to the root, sorted; folders that begin with a dot are not entered.
  static func paths(under folder: String, ending: String) -> [String] {
    let base = root.appending(path: folder)
    guard
      let walker = FileManager.default.enumerator(
        at: base, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    else { return [] }
    let prefix = root.standardizedFileURL.path + "/"
    return walker.compactMap { ($0 as? URL)?.standardizedFileURL.path }
      .filter { $0.hasSuffix(ending) && $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
      .sorted()
  }

  /// What git tracks; nil where this is no git checkout or there is no git.
  static func trackedFiles() -> [String]? {
    guard exists(".git") else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["git", "-C", root.path, "ls-files", "-z"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: output, as: UTF8.self).split(separator: "\0").map(String.init)
  }
}

/// One Swift file with its code told apart from its comments and literals.
struct SwiftFile {
  let path: String
  let text: String
  let lexed: LexedSwift

  init(path: String, text: String) {
    self.path = path
    self.text = text
    lexed = LexedSwift(text)
  }

  /// `SmithBytes` of `Sources/SmithBytes/HDLC.swift`; empty outside Sources and Tests.
  var room: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 && (parts[0] == "Sources" || parts[0] == "Tests")
      ? String(parts[1]) : ""
  }

  var lineCount: Int {
    text.utf8.count { $0 == UInt8(ascii: "\n") } + (text.hasSuffix("\n") || text.isEmpty ? 0 : 1)
  }
}

/// One Markdown page.
struct Page {
  let path: String
  let text: String

  /// The page's folder, with a slash at the end, or nothing.
  var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return String(path[...slash])
  }
}

/// Reports every violation as an issue of its own, so that all of them are read in one run.
func expectNone(
  _ violations: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  for violation in violations { Issue.record("\(violation)", sourceLocation: sourceLocation) }
}

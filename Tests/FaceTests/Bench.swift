import Foundation
import Testing

/// A folder of its own for one test, with a simulated stick in it when one is plugged in.
final class Bench: Sendable {
  /// The identity number of every simulated stick.
  static let imei = "004999010640000"

  /// The project's folder.
  static let sources = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  let folder: String
  /// Where the stick's port appears.
  let port: String
  let state: String
  /// Where the stick's flash is kept.
  let flash: String

  init() throws {
    folder = NSTemporaryDirectory() + "/smith-\(UUID().uuidString.prefix(8))"
    port = "\(folder)/stick"
    state = "\(folder)/state"
    flash = "\(folder)/flash"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Plugs a stick in and waits until its port is there.
  func plug(_ model: String = "huawei-e3131", _ options: String..., link: String? = nil)
    async throws -> Child
  {
    let place = link ?? port
    let child = try Child(
      ["sim", model, "--link", place, "--speed", "40", "--flash", flash, "--log", log] + options)
    try await child.line("port") { $0.hasPrefix("published \(place)") }
    return child
  }

  /// Pulls the plug.
  func unplug(_ stick: Child) async throws {
    stick.signal(SIGTERM)
    _ = try await stick.end()
  }

  /// A new bench with a stick on it, a file for it, and the program in the middle of writing it.
  static func writing(kib: Int) async throws -> (Bench, file: String, stick: Child, update: Child) {
    let bench = try Bench()
    let file = try await bench.sample(kib: kib)
    let stick = try await bench.plug()
    let update = try bench.start(["update", file, "--yes"])
    try await update.line("progress", isProgress(beyond: 30))
    return (bench, file, stick, update)
  }

  /// Runs a command on the stick, with answers in JSON.
  func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Child.Seen {
    try await start(arguments, environment: environment).end()
  }

  /// Starts a command on the stick, with answers in JSON.
  func start(_ arguments: [String], state other: String? = nil, environment: [String: String] = [:])
    throws -> Child
  {
    try Child(
      arguments + ["--port", port, "--state-dir", other ?? state, "--json"],
      environment: environment)
  }

  /// Makes a firmware file for a simulated stick, or a folder where its packages are folders.
  func sample(
    _ model: String = "huawei-e3131", version: String = "21.157.37.00.00", kib: Int = 512,
    _ options: String...
  ) async throws -> String {
    let path = "\(folder)/\(UUID().uuidString.prefix(8)).bin"
    let made = try await Child(
      [
        "image", "build-sample", "--model", model, "--version", version, "--size", "\(kib)", "-o",
        path,
      ] + options
    ).end()
    try #require(made.code == 0, "\(made.err)")
    return path
  }

  /// Packs a folder of this bench into an archive of that ending.
  func pack(_ package: String, as ending: String) throws -> String {
    let archive = "\(package)-packed.\(ending)"
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    tar.arguments = [
      "tar", "-C", folder, "-caf", archive, URL(fileURLWithPath: package).lastPathComponent,
    ]
    try tar.run()
    tar.waitUntilExit()
    try #require(tar.terminationStatus == 0)
    return archive
  }

  /// Writes a file.
  func file(_ name: String, _ bytes: Data) throws -> String {
    let path = "\(folder)/\(name)"
    try bytes.write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Every message between host and stick, one JSON object a line.
  var log: String { "\(folder)/log" }

  /// Whether anything of an update reached the stick.
  func wasTouched() throws -> Bool {
    let text = try String(contentsOfFile: log, encoding: .utf8)
    return text.contains("\"hdlc\"") || text.contains("GODLOAD") || text.contains("NVBACKUP")
  }

  /// What is kept in the only journal.
  func journal() throws -> String {
    let folder = "\(state)/journals"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return try String(contentsOfFile: "\(folder)/\(try #require(names.first))", encoding: .utf8)
  }

  /// Every file below the state directory, by path.
  func stateFiles() -> [String: Data] {
    let paths = FileManager.default.enumerator(atPath: state)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: paths.compactMap { path in
        FileManager.default.contents(atPath: "\(state)/\(path)").map { (path, $0) }
      })
  }

  /// Compares what the stick's flash keeps with what `image unpack` writes.
  func compareFlash(with file: String) async throws {
    let items = "\(folder)/items-\(UUID().uuidString.prefix(8))"
    let unpacked = try await Child.run("image", "unpack", file, "-o", items)
    try #require(unpacked.code == 0, "\(unpacked.err)")
    let names = try FileManager.default.contentsOfDirectory(atPath: items)
    #expect(names.count > 5)
    for name in names {
      let id = try #require(name.split(separator: "-").dropFirst().first)
      let sent = FileManager.default.contents(atPath: "\(items)/\(name)")
      let kept = FileManager.default.contents(atPath: "\(flash)/\(id).bin")
      #expect(sent != nil && sent == kept, "\(name)")
    }
  }

  /// The version that the stick says it runs.
  func version() async throws -> String? {
    let answer = try await run("at", "AT+CGMR")
    return (answer.report["lines"] as? [String])?.first
  }
}

/// Progress lines of an update beyond a percentage.
func isProgress(beyond percent: Double, item: String? = nil) -> @Sendable (String) -> Bool {
  { line in
    guard line.contains("\"event\":\"progress\""),
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
      let done = object["percent"] as? Double
    else { return false }
    return done > percent && (item == nil || object["item"] as? String == item)
  }
}

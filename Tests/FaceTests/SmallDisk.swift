import Foundation
import Testing

/// A disk of its own that can be full or not writable; only root can make one.
final class SmallDisk: Sendable {
  let path: String

  /// Nil where this user cannot mount.
  init?(kib: Int) {
    path = NSTemporaryDirectory() + "/smith-disk-\(UUID().uuidString.prefix(8))"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard Self.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(kib)k", "tmpfs", path]) else {
      try? FileManager.default.removeItem(atPath: path)
      return nil
    }
  }

  deinit {
    _ = Self.run("/bin/umount", ["-l", path])
    try? FileManager.default.removeItem(atPath: path)
  }

  func makeReadOnly() -> Bool { Self.run("/bin/mount", ["-o", "remount,ro", path]) }

  /// Whether this user can make one at all.
  static let isPossible = SmallDisk(kib: 64) != nil

  private static func run(_ program: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

@Suite("A disk that is full or cannot be written", .serialized) struct DiskFaceTests {
  private func library(_ data: String, _ arguments: String...) async throws -> Child.Seen {
    try await Child(["library"] + arguments + ["--data-dir", data, "--json"]).end()
  }

  /// An archive whose entry is too large to be kept in memory.
  private func archive(_ bench: Bench) async throws -> String {
    let file = try await bench.sample(kib: 4096)
    let bytes = try #require(FileManager.default.contents(atPath: file))
    return try bench.file("update.zip", ArchiveFaceTests.zip([("E3131_Update.bin", bytes)]))
  }

  @Test("says so when an archive is unpacked, and nothing is sent") func archive() async throws {
    let bench = try Bench()
    let file = try await archive(bench)
    let stick = try await bench.plug()
    // A process that may write files of half a MiB at most stands for a full disk everywhere.
    let limited = Child.Limit(fileKiB: 512)
    let update = try await Child(
      ["update", file, "--yes", "--port", bench.port, "--state-dir", bench.state, "--json"],
      limit: limited
    ).end()
    #expect(update.code == 6, "\(update.out) \(update.err)")
    #expect(update.trouble == "archive.no-room", "\(update.out)")
    #expect(try !bench.wasTouched())
    if let disk = SmallDisk(kib: 1024) {
      let shown = try await Child(
        ["image", "show", file, "--json"], environment: ["TMPDIR": disk.path]
      ).end()
      #expect(shown.trouble == "archive.no-room", "\(shown.out)")
      #expect(shown.out.contains("No space left"), "\(shown.out)")
    }
    try await bench.unplug(stick)
  }

  @Test(
    "takes what the library has room for, says why not more, and goes on later",
    .enabled(if: SmallDisk.isPossible))
  func fullLibrary() async throws {
    let bench = try Bench()
    let disk = try #require(SmallDisk(kib: 2048))
    let data = "\(disk.path)/data"
    let file = try await bench.sample(kib: 64)
    #expect(try await library(data, "add", file).code == 0)
    // Everything but a page or two is taken by somebody else.
    let filler = "\(disk.path)/filler"
    _ = FileManager.default.createFile(atPath: filler, contents: nil)
    let handle = try #require(FileHandle(forWritingAtPath: filler))
    while (try? handle.write(contentsOf: Data(count: 4096))) != nil {}
    try? handle.close()
    let other = try await bench.sample(version: "21.157.98.00.00", kib: 64)
    let full = try await library(data, "add", other)
    #expect(full.code == 5, "\(full.out) \(full.err)")
    #expect(full.trouble == "library.disk-full", "\(full.out)")
    let copied = try await library(data, "add", other, "--copy")
    #expect(
      ["library.no-copy", "library.disk-full"].contains(copied.trouble ?? ""), "\(copied.out)")
    #expect(try await library(data, "list").lines.count == 1)
    try FileManager.default.removeItem(atPath: filler)
    #expect(try await library(data, "add", other).code == 0)
    #expect(try await library(data, "list").lines.count == 2)
    #expect(try await library(data, "verify").code == 0)
  }

  @Test(
    "is read where it cannot be written, and changed nowhere", .enabled(if: SmallDisk.isPossible))
  func readOnlyLibrary() async throws {
    let bench = try Bench()
    let disk = try #require(SmallDisk(kib: 4096))
    let data = "\(disk.path)/data"
    let file = try await bench.sample(kib: 64)
    #expect(try await library(data, "add", file).code == 0)
    try #require(disk.makeReadOnly())
    let listed = try await library(data, "list")
    #expect(listed.code == 0 && listed.lines.count == 1, "\(listed.out) \(listed.err)")
    #expect(try await library(data, "find", "21.157").lines.count == 1)
    let other = try await bench.sample(version: "21.157.98.00.00", kib: 64)
    let refused = try await library(data, "add", other)
    #expect(refused.code == 5 && refused.trouble == "library.not-writable", "\(refused.out)")
  }
}

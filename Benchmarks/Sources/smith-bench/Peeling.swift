import Foundation
import SmithArchives
import SmithBytes
import SmithTrials

/// Looking into archives against `bsdtar` unpacking the same ones; skipped where there is none
/// (it comes with the package libarchive-tools).
enum Peeling {
  static func rows(_ quick: Bool) throws -> [Row] {
    let tar = "/usr/bin/bsdtar"
    guard FileManager.default.isExecutableFile(atPath: tar) else {
      print("skipped: no \(tar) (apt install libarchive-tools)")
      return []
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("smith-peel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = folder.appendingPathComponent("E3131_Update.exe")
    try BigPackage.write(to: program, mebibytes: quick ? 32 : 128)
    var rows: [Row] = []
    for (kind, options) in [
      ("zip", ["--format", "zip"]), ("7z", ["--format", "7zip"]), ("tar.gz", ["-z"]),
    ] {
      let archive = folder.appendingPathComponent("a.\(kind)").path
      guard
        time(running: tar, options + ["-cf", archive, "-C", folder.path, "E3131_Update.exe"]) != nil
      else { continue }
      var ratios: [Double] = []
      for _ in 0..<(quick ? 3 : 7) {
        let output = folder.appendingPathComponent("out").path
        try FileManager.default.createDirectory(
          atPath: output, withIntermediateDirectories: true)
        guard let theirs = time(running: tar, ["-xf", archive, "-C", output]) else { break }
        try FileManager.default.removeItem(atPath: output)
        let ours = try seconds {
          let file = try SharedBytes(file: archive)
          keep(try Peeler().peel(file, path: archive).choose(nil).bytes.count)
        }
        ratios.append(ours / theirs)
      }
      rows.append(Row("peeling \(kind) against bsdtar -x", median(ratios), "x").atMost(1.2))
    }
    return rows
  }
}

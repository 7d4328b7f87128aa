import Foundation
import SmithBytes
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials

/// Packages for the simulated LTE stick, and the stick itself, with room for 32 MiB.
struct QualcommSampleFolder {
  /// Name of the simulated model.
  static let model = "qualcomm-lte"
  private static let modemBlocks: UInt64 = 256

  private var sample: QualcommSample

  static func makes(_ name: String) -> Bool { name == model }

  static func stick(firmware: String?) -> QualcommLTEBody {
    var stick = QualcommLTEBody(version: firmware ?? "LTE_V1.0", modemBlocks: modemBlocks)
    stick.habits.fused = true
    stick.habits.mostPayload = 131_072
    return stick
  }

  init(_ version: String, bytes: Int, seed: UInt64) {
    sample = QualcommSample(version: version)
    sample.bytes = min(bytes, 31 << 20)
    sample.modemBlocks = Self.modemBlocks
    sample.seed = UInt32(truncatingIfNeeded: seed)
  }

  /// Writes every file into a new folder.
  func write(to folder: String, json: Bool) throws(Trouble) -> ExitCode {
    try SampleFolder(sample.files()).write(to: folder, json: json)
  }
}

/// A package of several files for simulated sticks.
struct SampleFolder {
  private let files: [(name: String, bytes: SharedBytes)]

  init(_ files: [(name: String, bytes: SharedBytes)]) {
    self.files = files
  }

  /// Writes every file into a new folder.
  func write(to folder: String, json: Bool) throws(Trouble) -> ExitCode {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, bytes) in files {
        try Data(bytes.bytes()).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
    } catch {
      throw Trouble(
        "file.not-writable", "\(folder) cannot be written.", advice: ["Choose another path."],
        exitCode: .usage)
    }
    let size = files.reduce(0) { $0 + $1.bytes.count }
    if json {
      Output.json(
        .object(["event": .string("sample"), "file": .string(folder), "bytes": .integer(size)]))
    } else {
      Output.line("\(folder): \(ProgressText.size(size)), a sample for simulated sticks")
    }
    return .ok
  }
}

extension RawProgramPackage {
  /// Programmer and places, as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "storage": .string(storage.rawValue), "sector_bytes": .integer(sectorSize),
      "programmer": .string(programmer.name),
      "certificates": .integer(programmer.certificates.count),
      "hardware": .text(programmer.hardware.map { String($0, radix: 16) }),
      "brings_table": .bool(!layout.isEmpty),
      "writes": .array(
        writes.map {
          .object([
            "label": .string($0.entry.label), "file": .string($0.entry.file),
            "first_sector": .integer(Int(clamping: $0.first)),
            "sectors": .integer(Int(clamping: $0.sectors)),
            "physical_partition": .integer($0.entry.physicalPartition),
          ])
        }),
    ])
  }

  func show() {
    Output.line("storage     \(storage.rawValue), sectors of \(sectorSize) bytes")
    let signed = programmer.certificates.isEmpty ? "not signed" : "signed"
    Output.line("programmer  \(programmer.name), \(signed)")
    for write in writes {
      Output.line("  \(write.entry.file) to sectors \(write.first) and on (\(write.entry.label))")
    }
    Output.line("Every file is there and fits its place; no checksum covers the images.")
  }
}

import Foundation
import SmithBytes
import SmithFormats
import SmithModel
import SmithTrials

extension RAMLoader {
  var json: JSONValue {
    .object([
      "chip": .text(chip), "maker": .text(maker), "base": .string(hexText(base)),
      "entry": .string(hexText(entry)), "bytes": .integer(bytes.count), "patched": .bool(isPatched),
    ])
  }

  var line: String {
    "\(chip ?? "chip not named"), \(maker ?? "maker not named"), at \(hexText(base)),"
      + " \(ProgressText.size(bytes.count))\(isPatched ? ", changed by somebody" : "")"
  }
}

extension NANDPackage {
  /// Loader and table as an object of the JSON contract.
  func json(writing names: [String]) -> JSONValue {
    .object([
      "chip": .text(loader.chip), "model": .text(model), "loader": loader.json,
      "loader_file": .string(loaderName),
      "partitions": .array(table.partitions.map { $0.json(writing: names) }),
    ])
  }

  func show() {
    Output.line("loader    \(loaderName): \(loader.line)")
    if let model { Output.line("model     \(model), by the version text in its application") }
    Output.line(
      "table     \(table.partitions.map { String($0.name.dropFirst(2)) }.joined(separator: " "))")
    Output.line("These files carry no checksum; the sizes in their headers agree.")
  }
}

extension UserPartition {
  func json(writing names: [String]) -> JSONValue {
    .object([
      "name": .string(name), "size": size.map { .integer(Int($0)) } ?? .null,
      "spare": .integer(Int(spare)), "unit": .string(unit == .blocks ? "blocks" : "kib"),
      "written": .bool(names.contains { "0:" + $0 == name }),
      "protected": .bool(ProtectedPartitions.contains(name)),
    ])
  }
}

/// One file of a Qualcomm package, shown alone: known, and not to be written alone.
struct ShownPart {
  private let part: QualcommPart
  private let size: Int

  /// Nil for any other file.
  init?(path: String) throws(Trouble) {
    guard let bytes = try? SharedBytes(file: path) else { return nil }
    do {
      guard let part = try QualcommPart.recogniseAlone(bytes, named: path) else { return nil }
      self.part = part
    } catch { throw error.trouble }
    size = bytes.count
  }

  private var kind: String {
    switch part {
    case .table: "partition-table"
    case .flashTable: "partition-table-of-a-flash"
    case .loader: "loader"
    case .image: "image"
    case .header: "image-header"
    case .description: "description"
    case .storageTable: "gpt"
    case .program: "program"
    }
  }

  private var header: MBNHeader? {
    switch part {
    case .image(let header), .header(let header): header
    default: nil
    }
  }

  var json: JSONValue {
    var object: [String: JSONValue] = [
      "event": .string("part"), "format": .string("qualcomm"), "kind": .string(kind),
      "bytes": .integer(size), "flashable_alone": .bool(false),
    ]
    switch part {
    case .table(let table):
      object["partitions"] = .array(table.partitions.map { $0.json(writing: []) })
    case .flashTable(let table):
      object["partitions"] = .array(
        table.partitions.map {
          .object([
            "name": .string($0.name), "block": .integer(Int($0.offset)),
            "blocks": $0.length.map { .integer(Int($0)) } ?? .null,
          ])
        })
    case .loader(let loader): object["loader"] = loader.json
    case .image, .header: break
    case .description(let description): object["description"] = description.json
    case .storageTable(let table):
      object["partitions"] = .array(
        table.entries.map {
          .object([
            "name": .string($0.name), "first_sector": .integer(Int(clamping: $0.first)),
            "last_sector": .integer(Int(clamping: $0.last)),
            "protected": .bool(ProtectedPartitions.contains($0.name)),
          ])
        })
    case .program(let program):
      object["certificates"] = .integer(program.certificates.count)
      object["hardware_id"] = program.hardware.map { .string(hexText($0)) } ?? .null
    }
    if let header {
      object["image"] = .string(header.imageName)
      object["address"] = .string(hexText(header.destination))
      object["code_bytes"] = .integer(Int(header.codeSize))
      object["signature_bytes"] = .integer(Int(header.signatureSize))
    }
    return .object(object)
  }

  func show() {
    Output.line("format    Qualcomm, one part of a package")
    switch part {
    case .table(let table):
      Output.line("what      partition table (partition.mbn), version \(table.version)")
      for entry in table.partitions {
        let unit = entry.unit == .blocks ? "blocks" : "KiB"
        let size = entry.size.map { "\($0) + \(entry.spare) \(unit)" } ?? "the rest"
        let guarded = ProtectedPartitions.contains(entry.name) ? "  never written" : ""
        Output.line("  \(entry.name)  \(size)\(guarded)")
      }
    case .flashTable(let table):
      Output.line("what      partition table as a flash keeps it, version \(table.version)")
      for entry in table.partitions {
        Output.line(
          "  \(entry.name)  block \(entry.offset), \(entry.length.map { "\($0)" } ?? "the rest")")
      }
    case .loader(let loader): Output.line("what      loader for the memory: \(loader.line)")
    case .image(let header): show(header, "image")
    case .header(let header): show(header, "header without its image")
    case .description(let description): description.show()
    case .storageTable(let table):
      Output.line("what      GPT for sectors of \(table.sectorSize) bytes; its checksums are right")
      for entry in table.entries {
        let guarded = ProtectedPartitions.contains(entry.name) ? "  never written" : ""
        Output.line("  \(entry.name)  sectors \(entry.first) to \(entry.last)\(guarded)")
      }
    case .program(let program):
      Output.line("what      ELF program with hashes, \(ProgressText.size(size))")
      Output.line("signed    \(program.certificates.isEmpty ? "no" : "yes")")
      let hardware = program.hardware.map { hexText($0) } ?? "none named, or any"
      Output.line("hardware  \(hardware)")
    }
    Output.line("It is not written alone: give the whole folder or archive of the package.")
  }

  private func show(_ header: MBNHeader, _ what: String) {
    Output.line("what      \(header.imageName) \(what), \(ProgressText.size(size))")
    Output.line("loads at  \(hexText(header.destination))")
    Output.line("signed    \(header.signatureSize > 0 ? "yes" : "no")")
  }
}

extension RawProgram {
  fileprivate var json: JSONValue {
    .object([
      "programs": .array(
        programs.map {
          .object([
            "file": .string($0.file), "label": .string($0.label),
            "start": .string("\($0.start)"), "sectors": .integer(Int(clamping: $0.sectorCount)),
            "sector_bytes": .integer($0.sectorSize),
            "protected": .bool(ProtectedPartitions.contains($0.label)),
          ])
        }), "patches": .integer(patches.count),
    ])
  }

  fileprivate func show() {
    Output.line(
      "what      description for Firehose: \(programs.count) writes, \(patches.count) patches")
    for program in programs {
      let guarded = ProtectedPartitions.contains(program.label) ? "  never written" : ""
      Output.line(
        "  \(program.file) to sector \(program.start), \(program.label)\(guarded)")
    }
  }
}

private func hexText(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }

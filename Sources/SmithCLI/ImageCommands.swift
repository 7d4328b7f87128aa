import ArgumentParser
import Foundation
import SmithArchives
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials

struct ImageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "Looks into firmware files.",
    discussion: """
      A file is known by its content, never by its name. Nothing here opens a port.

        modemsmith image show E3131_Update.exe      what it is, and for which stick
        modemsmith image check firmware.bin         whether it is whole
        modemsmith image unpack firmware.bin -o parts
      """,
    subcommands: [
      ImageShowCommand.self, ImageCheckCommand.self, ImageUnpackCommand.self,
      ImageBuildSampleCommand.self,
    ])
}

struct ImageShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows what a firmware file holds.",
    discussion: """
      For which product it is made, its version, its items, and everything odd about it. \
      Packages are found inside programs (.exe) and archives. What a file says of itself is no \
      proof: no one but the stick can check a signature.

        modemsmith image show firmware.bin
        modemsmith image show updates.zip --inside 2
      """)

  @Argument(help: "The firmware file, an archive, a CD-ROM image or a folder.") var file: String
  @OptionGroup var common: CommonOptions
  @OptionGroup var choice: InsideOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if CheckedLoader.looksLikeOne(file) {
        let loader = try CheckedLoader(path: file)
        if common.json { Output.json(loader.json) } else { loader.show() }
        return .ok
      }
      if try showPart() { return .ok }
      try showImage()
      return .ok
    }
  }

  /// Shows one part of a Qualcomm package; false for any other file.
  private func showPart() throws(Trouble) -> Bool {
    guard choice.inside == nil, let part = try ShownPart(path: file) else { return false }
    if common.json { Output.json(part.json) } else { part.show() }
    return true
  }

  private func showImage() throws(Trouble) {
    let firmware = FirmwareFile(file, inside: choice.inside)
    let path = firmware.path
    if let image = try firmware.plain({ () throws(Trouble) in try CheckedImage(path: path) }) {
      show(image, nil)
      return
    }
    let findings = try firmware.findings()
    if firmware.inside == nil, !findings.candidates.isEmpty {
      if common.json {
        for object in findings.json { Output.json(object) }
      } else if findings.candidates.count > 1 || !findings.flaws.isEmpty {
        findings.show()
        Output.line("")
      }
      // Which one is meant is the owner's to say; the list is the answer.
      if findings.best.count > 1 { return }
    }
    // With nothing to send in it, what can be shown is the CD itself.
    let only = findings.images.isEmpty ? findings.candidates.first : nil
    let candidate: Candidate
    if firmware.inside == nil, let only, case .dashboard = only.content {
      candidate = only
    } else {
      candidate = try firmware.choose(findings)
    }
    if case .dashboard(let dashboard) = candidate.content {
      if common.json { Output.json(dashboard.json) } else { dashboard.show() }
    } else {
      show(try FirmwareFile.checked(candidate), candidate)
    }
  }

  private func show(_ image: CheckedImage, _ candidate: Candidate?) {
    if common.json { return Output.json(image.json(at: candidate)) }
    if let candidate { Output.line("inside    \(candidate.foundAt)") }
    image.show()
  }
}

struct ImageCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Verifies every checksum of a firmware file.",
    discussion: """
      Headers, blocks and packed streams are all read. It ends with 0 if the file is whole, and \
      with 6 and the place of the first fault if it is not.

        modemsmith image check firmware.bin && echo whole
      """)

  @Argument(help: "The firmware file, an archive or folder with one.") var file: String
  @OptionGroup var common: CommonOptions
  @OptionGroup var choice: InsideOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let image = try FirmwareFile(file, inside: choice.inside).read()
      try image.refuseUnknownLayout()
      if common.json {
        Output.json(
          .object([
            "event": .string("check"), "valid": .bool(true),
            "format": .string(image.format.rawValue), "items": .integer(image.segments.count),
            "warnings": .array(image.warnings.map { .string("\($0)") }),
          ]))
      } else {
        Output.line("valid: \(image.format.rawValue), \(image.segments.count) items")
        for warning in image.warnings { Output.line("! \(warning)") }
      }
      return .ok
    }
  }
}

struct ImageUnpackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack", abstract: "Writes every item of a firmware file into a folder.",
    discussion: """
      Items come out as they would be sent, named NN-IIIIIIII-Name.bin: number and id. A folder \
      of such files is read as a package again. No file that exists is written over.

        modemsmith image unpack firmware.bin -o parts
      """)

  @Argument(help: "The firmware file.") var file: String
  @Option(name: .shortAndLong, help: "The folder; it is made if it does not exist.")
  var output: String
  @OptionGroup var common: CommonOptions
  @OptionGroup var choice: InsideOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let image = try FirmwareFile(file, inside: choice.inside).read()
      try image.refuseUnknownLayout()
      do {
        try FileManager.default.createDirectory(
          atPath: output, withIntermediateDirectories: true)
      } catch { throw Self.cannotWrite(output) }
      for segment in image.segments {
        let name = segment.fileName
        try write(segment, to: "\(output)/\(name)")
        if common.json {
          Output.json(
            .object([
              "event": .string("item"), "name": .string(segment.name),
              "id": .string(String(segment.id, radix: 16)), "file": .string(name),
              "bytes": .integer(segment.size),
            ]))
        } else {
          Output.line("\(name)  \(ProgressText.size(segment.size))")
        }
      }
      return .ok
    }
  }

  /// Never through a link and never over a file that is there already.
  private func write(_ segment: Segment, to path: String) throws(Trouble) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.cannotWrite(path) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      var reader = try segment.reader()
      while true {
        let bytes = try reader.next(1_048_576)
        if bytes.isEmpty { break }
        try handle.write(contentsOf: Data(bytes))
      }
    } catch let error as ImageError {
      throw error.trouble
    } catch {
      throw Self.cannotWrite(path)
    }
  }

  private static func cannotWrite(_ path: String) -> Trouble {
    Trouble(
      "file.not-writable", "\(path) cannot be written (it may exist already, or the disk is full).",
      advice: ["Choose an empty folder with -o DIR."], exitCode: .usage)
  }
}

struct ImageBuildSampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build-sample",
    abstract: "Makes a firmware file for a simulated stick; it holds nothing of any vendor.")

  @Option(name: .long, help: "The simulated model it is for.") var model = "huawei-e3131"
  @Option(name: .long, help: "The version that it holds.") var version = "21.157.37.00.00"
  @Option(name: .shortAndLong, help: "The file to write.") var output: String
  @Option(name: .long, help: "Its size in KiB, about.") var size = 2048
  @Option(name: .long, help: "Seed of its contents.") var seed: UInt64 = 1
  @Flag(name: .long, help: "Add a signature block.") var signed = false
  @Flag(name: .long, help: "Compress items with zlib and LZMA.") var compressed = false
  @Flag(name: .long, help: "Wrap it in a Windows program, as vendors do.") var exe = false
  @Option(
    name: .long, help: "Make a loader in its place: stock, safe or unknown.", transform: choice)
  var loader: SampleLoader.Kind?
  @Option(
    name: .long, help: "What the package holds: firmware, dashboard or both.", transform: choice)
  var kind = SamplePackage.Kind.firmware
  @Option(name: .long, help: "Sierra: make settings of this carrier (.nvu) instead of firmware.")
  var carrier: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if model == SimulatedModels.zte {
        var sample = ZTESample()
        if version.hasPrefix("BD_") { sample.version = version }
        sample.bytes = byteCount
        let files = sample.files().map { ($0.name, SharedBytes($0.bytes)) }
        return try SampleFolder(files).write(to: output, json: common.json)
      }
      if SimulatedModels.isGobi(model) {
        return try SampleFolder(
          SierraSample.gobi(version: version, bytes: byteCount, seed: seed)
        ).write(to: output, json: common.json)
      }
      if QualcommSampleFolder.makes(model) {
        return try QualcommSampleFolder(version, bytes: byteCount, seed: seed).write(
          to: output, json: common.json)
      }
      let bytes = try content()
      guard FileManager.default.createFile(atPath: output, contents: Data(bytes)) else {
        throw Trouble(
          "file.not-writable", "\(output) cannot be written.", advice: ["Choose another path."],
          exitCode: .usage)
      }
      if common.json {
        Output.json(
          .object([
            "event": .string("sample"), "file": .string(output), "bytes": .integer(bytes.count),
          ]))
      } else {
        Output.line("\(output): \(ProgressText.size(bytes.count)), a sample for simulated sticks")
      }
      return .ok
    }
  }
}

/// One of the raw values of a type, as an option's value.
private func choice<Value: RawRepresentable & CaseIterable>(_ text: String) throws -> Value
where Value.RawValue == String {
  guard let value = Value(rawValue: text) else {
    let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("\(text) is none of \(known)")
  }
  return value
}

extension ImageBuildSampleCommand {
  private var byteCount: Int { max(16, min(size, 1_048_576)) * 1024 }

  private func content() throws(Trouble) -> [UInt8] {
    if let loader {
      return SampleLoader(for: try SimulatedModels.personality(model), kind: loader).build()
    }
    if let personality = HuaweiQualcommStick.Personality.named(model) {
      var sample = HuaweiQualcommSample(product: personality.product, version: version)
      sample.bytes = byteCount
      sample.seed = seed
      return exe ? sample.updater() : sample.package()
    }
    guard let personality = SimulatedModels.sierraPersonality(model) else {
      var package = SamplePackage(for: try SimulatedModels.chip(model))
      package.version = version
      package.bytes = byteCount
      package.seed = seed
      package.signed = signed
      package.compressed = compressed
      package.exe = exe
      package.kind = kind
      return package.build()
    }
    var sample = SierraSample(
      product: personality.products.first ?? "",
      family: String(personality.family.drop { $0 == "_" }.prefix { $0 != "_" }), version: version)
    sample.bytes = byteCount
    sample.seed = seed
    let bytes =
      if personality.loader == .hip {
        sample.application()
      } else if let carrier {
        sample.carrier(carrier, "\(version.prefix(6))_000")
      } else {
        sample.firmware()
      }
    guard let bytes else {
      throw Trouble(
        "usage.unknown-model", "There is no sample for \"\(model)\".",
        advice: ["Take a stick that speaks QDL 6, as sierra-mc7304."], exitCode: .usage)
    }
    return bytes
  }
}

extension FirmwareImage {
  /// Nothing can be verified in, or taken out of, a file whose layout no reader knows.
  fileprivate func refuseUnknownLayout() throws(Trouble) {
    guard format == .huaweiUpdater else { return }
    throw Trouble(
      "file.huawei-updater",
      "The file is an updater for Huawei sticks of the Qualcomm era; its layout is not known.",
      facts: claims.firmware.map { ["it names the version \($0)"] } ?? [],
      advice: ["`modemsmith plan FILE --experimental` tells how far an update would go."],
      exitCode: .badFile)
  }
}

extension CheckedImage {
  /// What the file holds, as an object of the JSON contract.
  func json(at candidate: Candidate?) -> JSONValue {
    .object([
      "event": .string("image"), "found_at": .text(candidate?.foundAt),
      "inside": .text(candidate?.insideName), "format": .string(image.format.rawValue),
      "kinds": .array(image.kinds.map(\.rawValue).sorted().map { .string($0) }),
      "products": .array(image.claims.products.map { .string($0) }),
      "firmware": .text(image.claims.firmware), "signed": .bool(isSigned),
      "offset": .integer(image.origin.lowerBound), "sha256": .string(sha256),
      "items": .array(
        image.segments.map {
          .object([
            "id": .string(String($0.id, radix: 16)), "name": .string($0.name),
            "bytes": .integer($0.size), "stored_bytes": .integer($0.storedSize),
            "packing": .string($0.packing.rawValue), "version": .string($0.version),
            "offset": .integer($0.offset),
          ])
        }), "tree": .array(image.sierra.flatMap { $0.shownNodes.map(\.json) }),
      "nand": image.nand?.json(writing: image.segments.map(\.name)) ?? .null,
      "rawprogram": image.rawProgram?.json ?? .null,
      "warnings": .array(image.warnings.map { .string("\($0)") }),
    ])
  }

  func show() {
    Output.line("format    \(image.format.rawValue)")
    Output.line("holds     \(image.kinds.map(\.rawValue).sorted().joined(separator: ", "))")
    let products = image.claims.products.joined(separator: ", ")
    Output.line("for       \(products.isEmpty ? "not named" : products)")
    Output.line("firmware  \(image.claims.firmware?.text ?? "not named")")
    Output.line("signed    \(isSigned ? "yes, by its vendor (the stick checks it)" : "no")")
    Output.line("found at  offset \(image.origin.lowerBound) of the file")
    Output.line("sha256    \(sha256)")
    Output.line("")
    for segment in image.segments {
      let packed = segment.packing == .none ? "" : "  (\(segment.packing.rawValue))"
      let id = String(segment.id, radix: 16)
      let padded = String(repeating: "0", count: max(0, 8 - id.count)) + id
      Output.line(
        "  \(padded)  \(segment.name)  \(ProgressText.size(segment.size))\(packed)"
          + "  \(segment.version)")
    }
    Output.line("")
    for tree in image.sierra {
      for node in tree.shownNodes {
        Output.line("  " + node.line)
        for line in node.settingLines { Output.line("  " + line) }
      }
      Output.line("")
    }
    if let nand = image.nand {
      nand.show()
    } else if let package = image.rawProgram {
      package.show()
    } else if image.format != .huaweiUpdater, image.format != .gobi2000 {
      Output.line("Every header and block checksum is right.")
    }
    if !image.sierra.isEmpty {
      Output.line("No checksum covers the type, product and version texts: the SHA-256 does.")
    }
    for warning in image.warnings { Output.line("! \(warning)") }
  }
}

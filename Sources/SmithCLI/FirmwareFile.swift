import ArgumentParser
import Foundation
import SmithArchives
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel

/// How the owner says which of several images in a file is meant.
struct InsideOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Which image of an archive or folder: its name or number as `image show` lists it.")
  var inside: String?
}

/// Opens whatever file an owner has: an image, an archive with one, a folder.
///
/// A path may end with `#NAME`, which says what is meant inside: journals keep such paths, so
/// that `resume` finds the same bytes again.
struct FirmwareFile {
  /// The file or folder on the disk, absolute.
  let path: String
  /// What is meant inside of it, if that was said.
  let inside: String?

  init(_ path: String, inside: String? = nil) {
    let (file, suffix) = Self.split(path)
    self.path = URL(fileURLWithPath: file).standardizedFileURL.path
    self.inside = inside ?? suffix
  }

  /// The image to use and the files that go with it, as one.
  ///
  /// - Throws: a trouble with exit code 6.
  func open(
    sha256: String? = nil, with others: [String], keeping: FileKeeping = .asItIs
  ) throws(Trouble) -> CheckedImage {
    var all = [try open(sha256: others.isEmpty ? sha256 : nil, keeping: keeping)]
    for other in others { all.append(try FirmwareFile(other).open(keeping: keeping)) }
    return try CheckedImage(joining: all)
  }

  /// The image to use, verified and with its fingerprint.
  ///
  /// - Parameters:
  ///   - sha256: fingerprint of the image that is wanted, if there may be several.
  ///   - keeping: how its bytes are kept until they are sent; what is unpacked is a copy anyway.
  /// - Throws: a trouble with exit code 6.
  func open(sha256: String? = nil, keeping: FileKeeping = .asItIs) throws(Trouble) -> CheckedImage {
    let path = path
    if let image = try plain({ () throws(Trouble) in
      try CheckedImage(path: path, keeping: keeping)
    }) {
      return image
    }
    let findings = try findings()
    if inside == nil, let sha256 {
      for one in findings.images {
        let image = try Self.checked(one, keeping: keeping)
        if image.sha256 == sha256 { return image }
      }
    }
    return try Self.checked(choose(findings), keeping: keeping)
  }

  /// The image to use, verified.
  ///
  /// - Throws: a trouble with exit code 6.
  func read() throws(Trouble) -> FirmwareImage {
    let path = path
    if let image = try plain({ () throws(Trouble) in try CheckedImage.read(path: path) }) {
      return image
    }
    let candidate = try choose(findings())
    if let image = candidate.image { return image }
    return try Self.checked(candidate).image
  }

  /// What `make` gives, if the file itself is the image; nil if it has to be looked into.
  ///
  /// - Throws: what `make` throws, if there is nothing to look into.
  func plain<Image>(_ make: () throws(Trouble) -> Image) throws(Trouble) -> Image? {
    guard inside == nil else { return nil }
    if isFolder {
      do { return try make() } catch {
        // A folder of parts that is broken says so; any other may have images in it.
        let isOther = ["balong.folder-empty", "balong.folder-name", "file.unreadable"]
        guard isOther.contains(error.code) else { throw error }
        return nil
      }
    }
    guard let bytes = try? SharedBytes(file: path) else { return try make() }
    if Peeler.isArchive(bytes) { return nil }
    // A self-extracting archive is an updater of unknown layout only if nothing readable is in it.
    if Peeler.hasArchive(program: bytes), HuaweiUpdater.read(bytes) != nil,
      (try? findings())?.images.isEmpty == false
    {
      return nil
    }
    do { return try make() } catch {
      guard Peeler.hasArchive(program: bytes) else { throw error }
      return nil
    }
  }

  /// Everything that is in the file or folder.
  ///
  /// - Throws: a trouble with exit code 6.
  func findings() throws(Trouble) -> Findings {
    let peeler = Peeler()
    if isFolder {
      do { return try peeler.peel(folder: path) } catch { throw error.trouble }
    }
    let bytes = try FileKeeping.asItIs.open(path)
    return try Self.steadily(bytes, path: path) { () throws(ArchiveError) in
      try peeler.peel(bytes, path: path)
    }
  }

  /// What was found in a file that did not change while it was looked into.
  static func steadily(
    _ bytes: SharedBytes, path: String, _ peel: () throws(ArchiveError) -> Findings
  ) throws(Trouble) -> Findings {
    let outcome = Result { () throws(ArchiveError) in try peel() }
    guard !bytes.hasChanged else { throw FileKeeping.changed(path) }
    switch outcome {
    case .success(let findings): return findings
    case .failure(let error): throw error.trouble
    }
  }

  private var isFolder: Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// The candidate that is meant.
  func choose(_ findings: Findings) throws(Trouble) -> Candidate {
    do {
      return try findings.choose(inside)
    } catch {
      // A plain CD-ROM image has a page of its own that says how a dashboard is written.
      if inside == nil, findings.flaws.isEmpty, findings.candidates.count == 1,
        findings.candidates.first?.inside.isEmpty == true
      {
        _ = try CheckedImage(path: path)
      }
      throw error.trouble
    }
  }

  static func checked(
    _ candidate: Candidate, keeping: FileKeeping = .asItIs
  ) throws(Trouble) -> CheckedImage {
    if candidate.inside.isEmpty {
      return try CheckedImage(path: candidate.outer, keeping: keeping)
    }
    if !candidate.parts.isEmpty, let image = candidate.image {
      return try CheckedImage(image: image, path: candidate.path, parts: candidate.parts)
    }
    // What was peeled is verified already; only the fingerprint is missing.
    if let image = candidate.image {
      return try CheckedImage(image, of: candidate.bytes, named: candidate.path)
    }
    do {
      return try CheckedImage(candidate.bytes, named: candidate.path)
    } catch {
      var trouble = error
      trouble.facts.append("found at \(candidate.foundAt)")
      throw trouble
    }
  }

  /// A path and what follows its `#`, if the whole is no file and the part in front of it is.
  private static func split(_ path: String) -> (file: String, inside: String?) {
    let files = FileManager.default
    if files.fileExists(atPath: path) { return (path, nil) }
    var end = path.endIndex
    while let mark = path[..<end].lastIndex(of: "#") {
      let file = String(path[..<mark])
      let inside = String(path[path.index(after: mark)...])
      if !inside.isEmpty, files.fileExists(atPath: file) { return (file, inside) }
      end = mark
    }
    return (path, nil)
  }
}

extension Findings {
  /// Lists everything, and says how one is chosen.
  func show() {
    for line in list { Output.line(line) }
    for flaw in flaws { Output.line("! \(flaw.trouble.summary)") }
    if candidates.count > 1 {
      Output.line("")
      Output.line("Choose one with --inside NAME or --inside NUMBER.")
    }
  }

  /// Each candidate as an object of the JSON contract.
  var json: [JSONValue] {
    candidates.enumerated().map { number, candidate in
      .object([
        "event": .string("candidate"), "number": .integer(number + 1),
        "inside": .string(candidate.insideName), "found_at": .string(candidate.foundAt),
        "path": .string(candidate.path), "what": .string(candidate.words),
        "kind": .string(candidate.kindName), "bytes": .integer(candidate.bytes.count),
        "best": .bool(best.count == 1 && best.first?.path == candidate.path),
      ])
    }
      + flaws.map { .object(["event": .string("flaw"), "trouble": $0.trouble.json]) }
  }
}

extension Candidate {
  var kindName: String {
    switch content {
    case .image: "image"
    case .damaged: "damaged"
    case .dashboard: "dashboard"
    case .other(let file): file.kind.rawValue
    }
  }
}

extension Dashboard {
  /// What the CD-ROM image holds, as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("dashboard"), "format": .string("iso9660"),
      "volume": .string(image.volume), "vendor": .text(vendor?.rawValue),
      "model": .text(model), "version": .text(version), "created": .text(image.created),
      "joliet": .bool(image.isJoliet), "bytes": .integer(image.size),
      "publisher": .string(image.publisher), "autorun": .object(autorun.mapValues { .string($0) }),
      "drivers": .array(drivers.map { .string($0) }),
      "usb_vendors": .array(usbVendors.map { .string($0) }),
      "version_files": .array(versionFiles.map { .string($0) }),
      "evidence": .array(evidence.map { .string($0) }),
      "files": .array(
        image.files.map {
          .object(["path": .string($0.path), "bytes": .integer($0.size)])
        }), "warnings": .array(image.warnings.map { .string("\($0)") }),
    ])
  }

  func show() {
    Output.line("format    CD-ROM image (ISO 9660\(image.isJoliet ? ", Joliet" : ""))")
    Output.line("volume    \(image.volume)")
    Output.line("whose     \(vendor.map { "\($0.words) dashboard" } ?? "not known")")
    if let model { Output.line("model     \(model)") }
    Output.line("version   \(version ?? "not named")")
    if let created = image.created { Output.line("made      \(created)") }
    if let open = autorun["open"] { Output.line("autorun   \(open)") }
    for driver in drivers.prefix(20) { Output.line("driver    \(driver)") }
    for reason in evidence { Output.line("because   \(reason)") }
    Output.line("")
    for file in image.files.prefix(200) {
      Output.line("  \(file.path)  \(ProgressText.size(file.size))")
    }
    if image.files.count > 200 { Output.line("  and \(image.files.count - 200) more files") }
    for warning in image.warnings { Output.line("! \(warning)") }
  }
}

public import SmithBytes
public import SmithModel

/// The three files of a Gobi 2000 modem, which belong together and name no modem
/// (Docs/Protocols/sierra-cwe.md section 8).
public enum GobiPackage {
  /// One of the files, in the order in which they are sent: the larger ones first.
  struct Part {
    let name: String
    /// Image type of QDL's open request.
    let id: UInt32
    /// Image ids that a boot header in front of it may have; nil where none is known.
    let headers: Set<UInt32>?
    /// Bytes at its end that are never sent.
    let tail: Int
  }

  static let parts = [
    Part(name: "amss.mbn", id: 0x05, headers: [2], tail: 8),
    Part(name: "apps.mbn", id: 0x06, headers: [6], tail: 0),
    Part(name: "UQCN.mbn", id: 0x0d, headers: nil, tail: 0),
  ]

  /// Whether a file of this name makes its folder such a package: no other package has one.
  public static func isMark(_ name: String) -> Bool { name.lowercased() == "uqcn.mbn" }

  /// Whether the files of a folder are such a package, whole or not. A partition table among them
  /// makes them one of another kind.
  public static func isOne(_ files: [(name: String, bytes: SharedBytes)]) -> Bool {
    files.contains { isMark($0.name) } && !NANDPackage.isOne(files)
  }

  /// Puts the package together from its files. They carry no checksum and no name of a modem, so
  /// only names, sizes and what contradicts them are checked.
  ///
  /// - Throws: ``ImageError``.
  public static func read(
    _ files: [(name: String, bytes: SharedBytes)], limits: ImageLimits = .standard
  ) throws(ImageError) -> FirmwareImage {
    do { return try image(of: files, limits) } catch { throw .gobi(error) }
  }

  /// The version in a text such as `D3200-STSUGN-1575  1  [Apr 14 2010 17:00:00]`; nil for a text
  /// of another shape. What its groups mean is not known.
  public static func version(in text: String) -> FirmwareVersion? {
    let word = text.utf8.prefix(shape.count)
    guard word.count == shape.count, zip(word, shape).allSatisfy({ isOf($1, $0) }),
      text.utf8.dropFirst(shape.count).first.map({ !isWordByte($0) }) ?? true
    else { return nil }
    return FirmwareVersion(String(Substring(word)))
  }

  private static func image(
    of files: [(name: String, bytes: SharedBytes)], _ limits: ImageLimits
  ) throws(GobiPackageError) -> FirmwareImage {
    var segments: [Segment] = []
    for part in parts {
      let found = files.filter { $0.name.lowercased() == part.name.lowercased() }
      guard let one = found.first else { throw .incomplete(part.name) }
      guard found.count == 1 else { throw .wrongPart(part.name, why: "it is there twice") }
      try check(one.bytes, part, limits)
      segments.append(
        Segment(
          index: segments.count, id: part.id, name: part.name, size: one.bytes.count,
          stored: one.bytes))
    }
    let versions = segments.first.map { texts(in: $0.stored) } ?? []
    var warnings: [ImageWarning] = [.noChecksum]
    if versions.count > 1 { warnings.append(.versionsDiffer(versions)) }
    let version = versions.count == 1 ? versions[0] : nil
    if !segments.isEmpty { segments[0].version = version ?? "" }
    let names = Set(parts.map { $0.name.lowercased() })
    warnings += files.map(\.name).filter { !names.contains($0.lowercased()) }.sorted()
      .map { .fileIgnored($0) }
    return FirmwareImage(
      format: .gobi2000, origin: 0..<segments.reduce(0) { $0 + $1.size },
      kinds: [.firmware, .carrierSettings], segments: segments,
      claims: ImageClaims(firmware: version.map { FirmwareVersion($0) }), warnings: warnings)
  }

  private static func check(
    _ bytes: SharedBytes, _ part: Part, _ limits: ImageLimits
  ) throws(GobiPackageError) {
    guard bytes.count > part.tail else {
      throw .wrongPart(part.name, why: "it has \(bytes.count) bytes")
    }
    guard bytes.count <= limits.itemSize else {
      throw .wrongPart(part.name, why: "it has more bytes than any modem")
    }
    do throws(ImageError) { try ImageRegistry.refuseForeign(bytes) } catch {
      switch error {
      case .foreign(let file) where file.kind == .mbn: break
      case .foreign(let file): throw .wrongPart(part.name, why: "it is \(file.words)")
      default: throw .wrongPart(part.name, why: "it holds nothing")
      }
    }
    guard let headers = part.headers, let header = try? MBNHeader(reading: bytes),
      !headers.contains(header.imageID), parts.contains(where: { $0.claims(header) })
    else { return }
    throw .wrongPart(part.name, why: "its header says that it is \(header.imageName)")
  }

  /// Texts in the shape of a version, each once, two at most.
  private static func texts(in bytes: SharedBytes) -> [String] {
    var found: [String] = []
    QualcommTexts.scan(bytes, for: [0x44]) { offset in
      let text = String(
        decoding: bytes.bytes(offset..<min(offset + shape.count + 1, bytes.count)), as: UTF8.self)
      let before = offset > 0 ? bytes.bytes((offset - 1)..<offset).first : nil
      if let version = version(in: text)?.text, before.map({ !isWordByte($0) }) ?? true,
        !found.contains(version)
      {
        found.append(version)
      }
      return found.count < 2
    }
    return found
  }

  /// `D`, four digits, six capitals, four digits: the one text of which we know.
  private static let shape = [UInt8]("D0000-AAAAAA-0000".utf8)

  private static func isOf(_ model: UInt8, _ byte: UInt8) -> Bool {
    switch model {
    case 0x30: (0x30...0x39).contains(byte)
    case 0x41: (0x41...0x5a).contains(byte)
    default: byte == model
    }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte & 0xdf) || byte == 0x2d
  }
}

extension GobiPackage.Part {
  /// Whether a boot header says that an image is this part.
  fileprivate func claims(_ header: MBNHeader) -> Bool {
    headers?.contains(header.imageID) == true
  }
}

/// Why files are no usable package for a Gobi 2000 modem.
public enum GobiPackageError: Error, Equatable, Sendable {
  /// A file is missing.
  case incomplete(String)
  /// A file cannot be what its name says.
  case wrongPart(String, why: String)
}

extension GobiPackageError: TroubleConvertible {
  /// Code, words and advice; a bad file never touched a stick.
  public var trouble: Trouble {
    switch self {
    case .incomplete(let name):
      Trouble(
        "gobi.incomplete", "The files of a Gobi 2000 modem are not complete: \(name) is missing.",
        facts: ["amss.mbn, apps.mbn and UQCN.mbn belong together"],
        advice: ["Put the three files of one release for exactly this modem into one folder."],
        exitCode: .badFile)
    case .wrongPart(let name, let why):
      Trouble(
        "gobi.wrong-part", "\(name) is not the image that its name says.", facts: [why],
        advice: ["Get the three files of one release again, and do not rename them."],
        exitCode: .badFile)
    }
  }
}

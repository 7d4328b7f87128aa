public import SmithBytes

/// What to write where, from `rawprogram*.xml` and `patch*.xml` (Docs/Protocols/rawprogram.md
/// sections 2 and 3).
public struct RawProgram: Equatable, Sendable {
  /// A place on the storage: a number of sectors, or an expression that only the device can
  /// compute, as in `NUM_DISK_SECTORS-33.`.
  public enum Sector: Equatable, Sendable, CustomStringConvertible {
    /// Counted from the start.
    case number(UInt64)
    /// Computed by the device.
    case expression(String)

    /// As it stands in the attribute.
    public var description: String {
      switch self {
      case .number(let value): String(value)
      case .expression(let text): text
      }
    }
  }

  /// One `<program>`.
  public struct Program: Equatable, Sendable {
    /// File in the package; empty entries of the description are left out.
    public var file: String
    /// Name of the partition, if given.
    public var label: String
    /// Bytes of a sector.
    public var sectorSize: Int
    /// Sectors of the partition or of the write.
    public var sectorCount: UInt64
    /// First sector.
    public var start: Sector
    /// Which physical partition of the storage.
    public var physicalPartition: Int
    /// Sectors of the file to skip.
    public var fileSectorOffset: UInt64
    /// Pages of an erase block (NAND only).
    public var pagesPerBlock: Int?
    /// Last sector (NAND only).
    public var lastSector: UInt64?
    /// Whether the file is said to be an Android sparse image, which is not a plain copy.
    public var isSparse: Bool

    /// Gathers the parts.
    public init(
      file: String, label: String, sectorSize: Int, sectorCount: UInt64, start: Sector,
      physicalPartition: Int = 0, fileSectorOffset: UInt64 = 0, pagesPerBlock: Int? = nil,
      lastSector: UInt64? = nil, isSparse: Bool = false
    ) {
      self.isSparse = isSparse
      self.file = file
      self.label = label
      self.sectorSize = sectorSize
      self.sectorCount = sectorCount
      self.start = start
      self.physicalPartition = physicalPartition
      self.fileSectorOffset = fileSectorOffset
      self.pagesPerBlock = pagesPerBlock
      self.lastSector = lastSector
    }
  }

  /// One `<patch>` of the storage itself; patches of files in the package are left out.
  public struct Patch: Equatable, Sendable {
    /// Bytes of a sector.
    public var sectorSize: Int
    /// Where in the sector.
    public var byteOffset: UInt64
    /// Bytes to write.
    public var size: Int
    /// Which sector.
    public var start: Sector
    /// Which physical partition of the storage.
    public var physicalPartition: Int
    /// What to write; may be an expression.
    public var value: String

    /// Gathers the parts.
    public init(
      sectorSize: Int, byteOffset: UInt64, size: Int, start: Sector, physicalPartition: Int = 0,
      value: String
    ) {
      self.sectorSize = sectorSize
      self.byteOffset = byteOffset
      self.size = size
      self.start = start
      self.physicalPartition = physicalPartition
      self.value = value
    }
  }

  /// One `<erase>`.
  public struct Erase: Equatable, Sendable {
    /// Name of the partition, if given.
    public var label: String
    /// Sectors to erase.
    public var sectorCount: UInt64
    /// First sector.
    public var start: Sector
    /// Which physical partition of the storage.
    public var physicalPartition: Int

    /// Gathers the parts.
    public init(label: String, sectorCount: UInt64, start: Sector, physicalPartition: Int = 0) {
      self.label = label
      self.sectorCount = sectorCount
      self.start = start
      self.physicalPartition = physicalPartition
    }
  }

  /// Writes in their order.
  public var programs: [Program]
  /// Patches in their order.
  public var patches: [Patch]
  /// Erasures that it asks for; read, never carried out (Docs/Protocols/rawprogram.md section 2).
  public var erases: [Erase]

  /// Gathers the parts.
  public init(programs: [Program] = [], patches: [Patch] = [], erases: [Erase] = []) {
    self.programs = programs
    self.patches = patches
    self.erases = erases
  }

  /// Reads one description; elements that we do not know are refused, because leaving one out
  /// could leave a stick half written.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    self.init()
    let limits = TextXML.attributeLimits
    guard bytes.count <= limits.bytes else {
      throw .badXML(offset: limits.bytes, "longer than \(limits.bytes) bytes")
    }
    let elements: [TextXML.Element]
    do throws(TextXML.Flaw) { elements = try TextXML.elements(of: bytes.bytes()) } catch {
      throw .badXML(offset: error.offset, error.reason)
    }
    for element in elements {
      switch element.name {
      case "data",
        "patches" where element.depth == 0:
        continue
      case "program":
        let program = try Program(element)
        if !program.file.isEmpty { programs.append(program) }
      case "patch":
        if let patch = try Patch(element) { patches.append(patch) }
      case "erase": erases.append(try Erase(element))
      default: throw .badAttribute(element: element.name, "an element that we do not know")
      }
    }
  }

  /// The description as a file.
  public func encoded() -> String {
    var lines = ["<?xml version=\"1.0\" ?>", "<data>"]
    for entry in programs {
      var line = "<program SECTOR_SIZE_IN_BYTES=\"\(entry.sectorSize)\""
      line += " file_sector_offset=\"\(entry.fileSectorOffset)\""
      line += " filename=\"\(TextXML.escaped(entry.file))\""
      if entry.isSparse { line += " sparse=\"true\"" }
      line += " label=\"\(TextXML.escaped(entry.label))\""
      line += " num_partition_sectors=\"\(entry.sectorCount)\""
      line += " physical_partition_number=\"\(entry.physicalPartition)\""
      line += " start_sector=\"\(TextXML.escaped(entry.start.description))\""
      if let pages = entry.pagesPerBlock { line += " PAGES_PER_BLOCK=\"\(pages)\"" }
      if let last = entry.lastSector { line += " last_sector=\"\(last)\"" }
      lines.append(line + "/>")
    }
    for entry in erases {
      var line = "<erase label=\"\(TextXML.escaped(entry.label))\""
      line += " num_partition_sectors=\"\(entry.sectorCount)\""
      line += " physical_partition_number=\"\(entry.physicalPartition)\""
      lines.append(line + " start_sector=\"\(TextXML.escaped(entry.start.description))\"/>")
    }
    for entry in patches {
      var line = "<patch SECTOR_SIZE_IN_BYTES=\"\(entry.sectorSize)\""
      line += " byte_offset=\"\(entry.byteOffset)\" filename=\"DISK\""
      line += " physical_partition_number=\"\(entry.physicalPartition)\""
      line += " size_in_bytes=\"\(entry.size)\""
      line += " start_sector=\"\(TextXML.escaped(entry.start.description))\""
      line += " value=\"\(TextXML.escaped(entry.value))\""
      lines.append(line + "/>")
    }
    return (lines + ["</data>"]).joined(separator: "\n") + "\n"
  }
}

extension RawProgram.Program {
  fileprivate init(_ element: TextXML.Element) throws(QualcommImageError) {
    let file = element.attributes["filename"] ?? ""
    // A name is a name: a description must not reach outside its own folder.
    guard !file.contains("/"), !file.contains("\\"), file != "..", file.utf8.count < 256 else {
      throw .badAttribute(element: element.name, "the file name leads elsewhere")
    }
    self.init(
      file: file, label: element.attributes["label"] ?? "",
      sectorSize: try element.sectorSize(),
      sectorCount: try element.number("num_partition_sectors"),
      start: try element.sector(),
      physicalPartition: Int(try element.number("physical_partition_number", most: 255)),
      fileSectorOffset: try element.number("file_sector_offset", missing: 0),
      pagesPerBlock: element.attributes["PAGES_PER_BLOCK"] == nil
        ? nil : Int(try element.number("PAGES_PER_BLOCK", most: 4096)),
      lastSector: element.attributes["last_sector"] == nil
        ? nil : try element.number("last_sector"),
      isSparse: element.attributes["sparse"]?.lowercased() == "true")
  }
}

extension RawProgram.Erase {
  fileprivate init(_ element: TextXML.Element) throws(QualcommImageError) {
    self.init(
      label: element.attributes["label"] ?? "",
      sectorCount: try element.number("num_partition_sectors"), start: try element.sector(),
      physicalPartition: Int(
        try element.number("physical_partition_number", most: 255, missing: 0)))
  }
}

extension RawProgram.Patch {
  fileprivate init?(_ element: TextXML.Element) throws(QualcommImageError) {
    guard element.attributes["filename"] == "DISK" else { return nil }
    let sectorSize = try element.sectorSize()
    let offset = try element.number("byte_offset")
    let size = Int(try element.number("size_in_bytes", most: 8))
    guard let value = element.attributes["value"], size > 0, offset <= UInt64(sectorSize - size)
    else { throw .badAttribute(element: element.name, "the patch lies outside its sector") }
    self.init(
      sectorSize: sectorSize, byteOffset: offset, size: size, start: try element.sector(),
      physicalPartition: Int(try element.number("physical_partition_number", most: 255)),
      value: value)
  }
}

extension TextXML.Element {
  fileprivate func number(_ key: String, most: UInt64 = 1 << 48, missing: UInt64? = nil)
    throws(QualcommImageError) -> UInt64
  {
    guard let text = attributes[key] else {
      guard let missing else { throw .badAttribute(element: name, "\(key) is missing") }
      return missing
    }
    let value = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    guard let value, value <= most else {
      throw .badAttribute(element: name, "\(key) is no sensible number")
    }
    return value
  }

  fileprivate func sectorSize() throws(QualcommImageError) -> Int {
    let size = Int(try number("SECTOR_SIZE_IN_BYTES", most: 16_384))
    guard size >= 512, size & (size - 1) == 0 else {
      throw .badAttribute(element: name, "sectors of \(size) bytes")
    }
    return size
  }

  fileprivate func sector() throws(QualcommImageError) -> RawProgram.Sector {
    guard let text = attributes["start_sector"], !text.isEmpty, text.utf8.count <= 64 else {
      throw .badAttribute(element: name, "start_sector is missing")
    }
    if let value = UInt64(text) { return .number(value) }
    let allowed = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f
        || byte == 0x2d || byte == 0x2b || byte == 0x2e || byte == 0x2a
    }
    guard allowed else { throw .badAttribute(element: name, "start_sector is no place") }
    return .expression(text)
  }
}

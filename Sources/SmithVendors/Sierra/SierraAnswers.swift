import SmithBytes
public import SmithModel

/// The answer of `ATI` (Docs/Protocols/sierra-identify.md section 2).
public struct SierraInformation: Equatable, Sendable {
  /// As written; spellings differ between firmware lines.
  public var manufacturer: String?
  /// Model, as in `MC7304`.
  public var model: String?
  /// The whole revision text.
  public var revision: String?
  /// The identity number, if fifteen digits stand there.
  public var imei: IMEI?

  /// Reads the lines of an answer; lines that are not known are left alone.
  public init(lines: [String]) {
    manufacturer = SierraLines.known(SierraLines.value("Manufacturer", in: lines))
    model = SierraLines.known(SierraLines.value("Model", in: lines))
    revision = SierraLines.known(SierraLines.value("Revision", in: lines))
    imei = SierraLines.value("IMEI", in: lines).flatMap { IMEI($0) }
  }

  /// Whether this is a Sierra stick by its own words.
  public var isSierra: Bool {
    manufacturer?.lowercased().hasPrefix("sierra wireless") == true
  }
}

/// The answer of `AT!PRIID?`: which settings package is installed.
public struct SierraPRI: Equatable, Sendable {
  /// Part number; nil if unknown.
  public var part: String?
  /// Revision, as in `002.072`; nil if unknown.
  public var revision: String?
  /// Customer; nil if the firmware does not say.
  public var customer: String?
  /// Full text of the carrier package; nil if there is none.
  public var carrier: String?

  /// Reads the lines of an answer.
  public init(lines: [String]) {
    part = SierraLines.known(SierraLines.value("PRI Part Number", in: lines))
    revision = SierraLines.known(SierraLines.value("Revision", in: lines))
    customer = SierraLines.known(SierraLines.value("Customer", in: lines))
    carrier = SierraLines.known(SierraLines.value("Carrier PRI", in: lines))
  }
}

/// The answer of `AT!IMPREF?` or `AT!GOBIIMPREF?`: what the stick should run and what it runs.
public struct SierraPreference: Equatable, Sendable {
  /// One side of the comparison; empty values are nil.
  public struct Side: Equatable, Sendable {
    /// Firmware version.
    public var firmware: FirmwareVersion?
    /// Carrier name.
    public var carrier: String?
    /// Configuration with the carrier's name in front.
    public var configuration: String?
  }
  /// What the stick is told to run.
  public var preferred: Side
  /// What it runs.
  public var current: Side
  /// The lines by which the stick itself says that they differ.
  public var mismatches: [String]

  /// Reads the lines of an answer; nil if neither side is in it.
  public init?(lines: [String]) {
    preferred = Self.side("preferred", lines)
    current = Self.side("current", lines)
    mismatches = lines.map(SierraLines.trim).filter { $0.hasSuffix("mismatch") }
    guard
      SierraLines.value("preferred fw version", in: lines) != nil
        || SierraLines.value("current fw version", in: lines) != nil
    else { return nil }
  }

  private static func side(_ name: String, _ lines: [String]) -> Side {
    func value(_ rest: String) -> String? {
      SierraLines.known(SierraLines.value("\(name) \(rest)", in: lines))
    }
    return Side(
      firmware: value("fw version").map { FirmwareVersion($0) },
      carrier: value("carrier name"), configuration: value("config name"))
  }

  /// Whether firmware and settings fit each other: no mismatch line, and nothing missing.
  public var isHealthy: Bool {
    mismatches.isEmpty && current.firmware != nil && current.carrier != nil
      && current.configuration != nil
  }
}

/// One line of `AT!IMAGE?`: an image in the stick's store.
public struct SierraStoredImage: Equatable, Sendable {
  /// Firmware or carrier settings.
  public enum Kind: String, Sendable {
    /// A modem image.
    case firmware = "FW"
    /// Carrier settings.
    case carrier = "PRI"
  }
  /// What it is.
  public var kind: Kind
  /// Slot; nil where the stick writes `FF`.
  public var slot: Int?
  /// `GOOD`, `EMPTY` or whatever the stick writes.
  public var status: String
  /// Unique id: `?_?` for firmware, the configuration for settings; empty for an empty slot.
  public var uniqueID: String
  /// Build id, as in `02.20.03.01_TELSTRA`; empty for an empty slot.
  public var buildID: String

  /// Firmware version in the build id.
  public var firmware: FirmwareVersion? {
    SierraLines.known(buildID.split(separator: "_").first.map(String.init))
      .map { FirmwareVersion($0) }
  }
  /// Carrier in the build id; nil for firmware.
  public var carrier: String? {
    let parts = buildID.split(separator: "_", maxSplits: 1)
    return parts.count == 2 ? SierraLines.known(String(parts[1])) : nil
  }
}

/// The answer of `AT!IMAGE?`.
public struct SierraImageList: Equatable, Sendable {
  /// Images in the order of the answer.
  public var images: [SierraStoredImage] = []
  /// Slot of the running firmware; nil if not stated.
  public var activeSlot: Int?
  /// Whether the running firmware is no longer in the store (slot 255).
  public var activeIsGone: Bool { activeSlot == 255 }

  /// Reads the lines of an answer; columns may be wide or narrow.
  public init(lines: [String]) {
    for line in lines.prefix(500) {
      let words = line.split { $0.isWhitespace }.map(String.init)
      if words.count >= 6, let kind = SierraStoredImage.Kind(rawValue: words[0]) {
        // Kind, slot, status, age, two failure counts, then the two ids.
        let ids = words.dropFirst(6)
        images.append(
          SierraStoredImage(
            kind: kind, slot: Int(words[1]), status: words[2], uniqueID: ids.first ?? "",
            buildID: ids.dropFirst().first ?? ""))
      } else if line.lowercased().holds("active fw image is at slot") {
        activeSlot = words.last.flatMap { Int($0) }
      }
    }
  }
}

/// The answer of `AT!PCINFO?`: why the radio is off.
public struct SierraPower: Equatable, Sendable {
  /// Whether the state is low power.
  public var isLow: Bool
  /// Names of the voters that ask for low power, as in `IMSWITCH`.
  public var voters: [String]
  /// Whether firmware and settings that do not fit are a reason (`IMSWITCH`, older `GOBIIM`).
  public var isImageMismatch: Bool { voters.contains("IMSWITCH") || voters.contains("GOBIIM") }

  /// Reads the lines of an answer; nil if there is no state line.
  public init?(lines: [String]) {
    guard let state = SierraLines.value("State", in: lines) else { return nil }
    isLow = state.lowercased().filter { !$0.isWhitespace } == "lowpowermode"
    voters = []
    for line in lines {
      let lower = line.lowercased()
      guard lower.holds("lpm voters") || lower.holds("lpm force flags"),
        let dash = line.firstIndex(of: "-")
      else { continue }
      for vote in line[line.index(after: dash)...].split(separator: ",") {
        let parts = vote.split(separator: ":").map { SierraLines.trim(String($0)) }
        if parts.count == 2, let count = Int(parts[1]), count > 0 { voters.append(parts[0]) }
      }
    }
  }
}

/// Short answers, one function each; nil where the line is missing or says nothing.
public enum SierraAnswers {
  /// Mode of `AT!GSTATUS?`, as in `ONLINE` or `LOW POWER MODE`.
  public static func mode(status lines: [String]) -> String? {
    for line in lines where line.holds("Mode:") {
      guard let place = line.firstRange(of: "Mode:") else { continue }
      // A second column may follow after at least two blanks.
      let rest = SierraLines.trim(String(line[place.upperBound...]))
      var value = ""
      for character in rest {
        if character.isWhitespace, value.last?.isWhitespace == true { break }
        value.append(character)
      }
      return SierraLines.known(SierraLines.trim(value))
    }
    return nil
  }

  /// Ids of `AT!USBINFO?`: the firmware's and the boot loader's.
  public static func usb(lines: [String]) -> (app: USBID, boot: USBID)? {
    guard let vendor = SierraLines.hex(SierraLines.value("VID", in: lines)),
      let app = SierraLines.hex(SierraLines.value("APP PID", in: lines)),
      let boot = SierraLines.hex(SierraLines.value("BOOT PID", in: lines))
    else { return nil }
    return (USBID(vendor, app), USBID(vendor, boot))
  }

  /// Composition number of `AT!UDUSBCOMP?`.
  public static func composition(lines: [String]) -> Int? {
    SierraLines.value("!UDUSBCOMP", in: lines).flatMap { Int($0) }
  }

  /// Revision of `AT!GVER?`: the text behind `!GVER:`, or the line itself; nil for a refusal.
  public static func version(gver lines: [String]) -> String? {
    if let value = SierraLines.value("!GVER", in: lines) { return SierraLines.known(value) }
    let line = lines.map(SierraLines.trim).first { !$0.isEmpty }
    guard let line, line != "NOT IMPLEMENTED", !line.hasPrefix("ERROR") else { return nil }
    return SierraRevision(line) == nil ? nil : line
  }

  /// Revision of `AT+GMR` or `AT+CGMR`: the first line that says anything.
  public static func version(gmr lines: [String]) -> String? {
    lines.map(SierraLines.trim).first { !$0.isEmpty && $0 != "NOT IMPLEMENTED" && $0 != "OK" }
  }

  /// Hardware revision of `AT!HWID?`.
  public static func hardware(lines: [String]) -> String? {
    SierraLines.known(SierraLines.value("Revision", in: lines))
  }
}

import Crypto
import SmithFormats
import SmithModel
import SmithProtocols

/// What a boot ROM says of its chip in command mode (Docs/Protocols/sahara.md section 4).
struct QualcommChip: Equatable {
  /// Serial number, as its bytes stand.
  var serial: [UInt8] = []
  /// Chip, maker and model; 0 if it did not tell.
  var hardware: UInt64 = 0
  /// Hash of the key that it trusts; all zero on a chip that trusts anything.
  var keyHash: [UInt8] = []

  /// Whether it trusts one key only (inferred, Docs/Protocols/sahara.md section 4).
  var isFused: Bool { keyHash.contains { $0 != 0 } }

  private static let question = "Sahara key hash"
  private static let hardwareQuestion = "Sahara hardware id"

  /// Asks for all three; nil if the ROM refuses command mode. It waits for an image afterwards.
  static func ask(_ session: SaharaSession) async throws(SaharaError) -> QualcommChip? {
    do throws(SaharaError) {
      let answers = try await session.ask([.serial, .hardware, .keyHash])
      var chip = QualcommChip()
      chip.serial = answers[.serial] ?? []
      // The id is told several times over; the first is enough.
      chip.hardware = (answers[.hardware] ?? []).prefix(8).reversed().reduce(0) {
        $0 << 8 | UInt64($1)
      }
      chip.keyHash = answers[.keyHash] ?? []
      return chip
    } catch .refused, .unexpected, .silent {
      try await session.beginAnew()
      return nil
    } catch {
      throw error
    }
  }

  init() {}

  /// What an earlier look wrote down.
  init?(_ report: DeviceReport) {
    func bytes(_ command: String) -> [UInt8]? {
      report.answers.first { $0.command == command }?.lines.first.flatMap(Self.bytes)
    }
    guard let hash = bytes(Self.question) else { return nil }
    keyHash = hash
    hardware = (bytes(Self.hardwareQuestion) ?? []).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Writes down what it is; the serial number is for the owner, the key is nobody's secret.
  func tell(_ report: inout DeviceReport) {
    if !serial.isEmpty { report.serial = Self.hex(serial.reversed()) }
    let id = (0..<8).reversed().map { UInt8(truncatingIfNeeded: hardware >> (8 * UInt64($0))) }
    report.chipset = hardware == 0 ? nil : "Qualcomm \(Self.hex(id.prefix(4)))"
    report.hardware = hardware == 0 ? nil : Self.hex(id)
    report.answers += [
      .init(command: Self.hardwareQuestion, lines: [Self.hex(id)], final: nil),
      .init(command: Self.question, lines: [Self.hex(keyHash)], final: nil),
    ]
  }

  /// Refuses a programmer that is signed by somebody else, or for another chip. What neither side
  /// tells cannot be compared; the ROM decides then.
  ///
  /// - Throws: `qualcomm.other-key`, `qualcomm.other-chip`.
  func check(_ programmer: QualcommProgrammer) throws(Trouble) {
    if let named = programmer.hardware, hardware != 0, named >> 32 != 0,
      named >> 32 != hardware >> 32
    {
      throw QualcommMismatch.otherChip(programmer.name)
    }
    guard isFused, !programmer.signers.isEmpty else { return }
    let isKnown = programmer.signers.contains { signer in
      keyHash.starts(with: Array(SHA256.hash(data: signer)))
        || keyHash.starts(with: Array(SHA384.hash(data: signer)))
    }
    if !isKnown { throw QualcommMismatch.otherKey(programmer.name) }
  }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = Array(hex)
    guard digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0..<($0 + 2)]), radix: 16)
    }
  }
}

/// Refusals of the Qualcomm family; before every one nothing was written.
enum QualcommMismatch {
  static let noPackage = Trouble(
    "plan.not-firmware-kind", "The file is no folder with rawprogram descriptions.",
    advice: ["Give the whole folder or archive of the package."], exitCode: .refused)

  static func wrongVendor(_ report: DeviceReport) -> Trouble {
    Trouble(
      "plan.wrong-vendor",
      "The package is for Qualcomm's Firehose; this stick is"
        + " \(report.model ?? report.manufacturer ?? "of another maker"), which has another loader.",
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      exitCode: .refused)
  }

  static let inDownload = Trouble(
    "qualcomm.in-download", "The stick waits in its boot ROM and does not say which model it is.",
    facts: ["the ROM checks who signed a programmer, not for which model the images are"],
    advice: [
      "If its update was interrupted, run `modemsmith resume`.",
      "If you know that the package is for exactly this stick, add `--force product-unknown`.",
    ], aftermath: .untouched, exitCode: .refused)

  static func otherKey(_ name: String) -> Trouble {
    Trouble(
      "qualcomm.other-key", "The programmer \(name) is signed with a key that this chip rejects.",
      facts: ["the hash of its certificate is not the one that the boot ROM tells"],
      advice: ["Use the package that was made for exactly this model; do not try others."],
      aftermath: .stillBoots, exitCode: .refused)
  }

  static func otherChip(_ name: String) -> Trouble {
    Trouble(
      "qualcomm.other-chip", "The programmer \(name) is made for another chip.",
      facts: ["its certificate names another hardware id than the boot ROM tells"],
      advice: ["Use the package that was made for exactly this model; do not try others."],
      aftermath: .stillBoots, exitCode: .refused)
  }

  static func dloadChip(_ chip: String) -> Trouble {
    Trouble(
      "qualcomm.no-sahara",
      "This stick's chip (\(chip)) has no Sahara; the package is for newer ones.",
      facts: ["its boot ROM speaks DLOAD"],
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      aftermath: .stillBoots, exitCode: .refused)
  }

  static let noDiag = Trouble(
    "qualcomm.no-diag-port", "The stick shows no diagnostic port, the only way into its boot ROM.",
    facts: ["no AT command for it is known"],
    advice: [
      "Name the port with `--diag-port PATH` if it has one.",
      "A stick that was brought into its boot ROM otherwise is updated there.",
    ], exitCode: .refused)
}

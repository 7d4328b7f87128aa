public import SmithLink
import SmithModel

/// A simulated ZTE MF667 in its service composition, as one body: AT and DIAG while its firmware
/// runs, DLOAD when it was told to or cannot start, a streaming loader once one is in its memory.
/// What its flash holds decides what starts and which version it tells
/// (Docs/Protocols/qualcomm-nand.md section 7).
public struct ZTESerialStick: StickBody {
  /// The chip with its flash.
  public var chip: QualcommBody
  private var modem: ZTEStick
  private var at = [SimAT(), SimAT()]
  private var seen = 0

  /// The partitions of a real MF667, in blocks of 128 KiB.
  public static let layout: [QualcommSimNAND.Partition] = [
    .init("0:MIBIB", start: 0, blocks: 14), .init("0:SIM_SECURE", start: 14, blocks: 6),
    .init("0:FSBL", start: 20, blocks: 3), .init("0:OSBL", start: 23, blocks: 5),
    .init("0:AMSS", start: 28, blocks: 27), .init("0:DSP1", start: 55, blocks: 27),
    .init("0:DSP2", start: 82, blocks: 173), .init("0:EFS2QDSP", start: 255, blocks: 668),
    .init("0:NVBAK", start: 923, blocks: 43), .init("0:EFS2", start: 966, blocks: 58),
  ]
  /// What is never to change.
  static let treasures: [(name: String, text: String)] = [
    ("0:SIM_SECURE", "operator lock"), ("0:EFS2QDSP", "calibration of the DSP"),
    ("0:NVBAK", "copy of the settings"), ("0:EFS2", "calibration and identity"),
  ]

  /// A stick that is not plugged in yet.
  ///
  /// - Parameter chipCode: what DIAG answers; none is published for the MDM6200.
  public init(firmware: String = "BD_O2MF667V1.0.0B03", chipCode: UInt16 = 0x0620) {
    modem = ZTEStick(firmware: firmware)
    modem.showsService = true
    chip = QualcommBody(
      version: firmware, identity: QualcommSimDiag.identityItem(modem.imei), layout: Self.layout,
      chip: chipCode)
    for (name, text) in Self.treasures { chip.flash.load(name, Array(text.utf8)) }
  }

  /// The version that starts; nil if none does.
  public var firmware: String? { chip.bootsVersion }
  /// Identity; never changed by an update.
  public var imei: String { modem.imei }
  /// Profiles by place.
  public var profiles: [Int: ZTEStick.Profile] { modem.profiles }
  /// What the host should not have done, in words.
  public var complaints: [String] { modem.complaints + chip.complaints }
  /// Whether every part of the boot chain is whole and all are of one version.
  public var isWhole: Bool {
    let versions = chip.bootVersions
    return !versions.contains(nil) && Set(versions).count == 1
  }
  /// Whether lock, calibration, identity and settings are what they were made with.
  public var keepsTreasures: Bool {
    Self.treasures.allSatisfy { chip.flash.content($0.name).starts(with: Array($0.text.utf8)) }
  }

  /// What the computer sees.
  public var face: StickFace? {
    guard let face = chip.face else { return nil }
    guard chip.phase == .application else { return face }
    return StickFace(generation: face.generation, id: face.id, ports: [.diag, .at, .modem])
  }

  /// The next thing that happens by itself.
  public var nextDue: Duration? { chip.nextDue }

  /// Performs what is due.
  public mutating func advance(to now: Duration) -> [Emission] {
    let emissions = chip.advance(to: now)
    if let face = chip.face, face.generation != seen {
      seen = face.generation
      at = [SimAT(), SimAT()]
      if chip.phase == .application, let version = chip.bootsVersion {
        modem.body.version = version
      }
    }
    return emissions
  }

  /// Gives power.
  public mutating func plug(at now: Duration) { chip.plug(at: now) }

  /// Takes power: what was being erased or written is half done.
  public mutating func unplug(at now: Duration) {
    _ = advance(to: now)
    chip.unplug(at: now)
  }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    let before = advance(to: now)
    guard let face, face.ports.indices.contains(port) else { return before }
    guard chip.phase == .application, port > 0 else {
      return before + chip.receive(bytes, on: port, at: now)
    }
    var lines = at[port - 1]
    var modem = modem
    let sent = lines.take(bytes, port: port, at: now) { modem.run($0) }
    self.modem = modem
    at[port - 1] = lines
    return before + sent
  }
}

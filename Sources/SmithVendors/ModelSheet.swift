import Foundation
public import SmithModel

/// What is known of one model before it is asked: the ids that it takes, the chips that hide
/// behind its name, its habits (Docs/Protocols/huawei-models.md).
///
/// A sheet never decides what a stick is: its answers do. A sheet is chosen by them.
public struct ModelSheet: Sendable, Codable, Equatable {
  /// One platform behind the name.
  public struct Guise: Sendable, Codable, Equatable {
    /// World that the answers must speak for.
    public var world: DeviceReport.World
    /// Chip, named to the owner only where the board proves it.
    public var chip: String
    /// How its firmware versions begin.
    public var firmware: String
    /// Beginnings of its hardware texts.
    public var boards: [String]
    /// Download product ids: what packages must be made for.
    public var products: [String]
    /// USB ids by mode: `cdrom`, `normal`, `serial`, `download`.
    public var ids: [String: [String]]
    /// The route that updates it, or `none`.
    public var route: String
    /// Evidence mark of this guise.
    public var mark: String
  }

  /// Longest times of the ordinary steps, in seconds.
  public struct Timing: Sendable, Codable, Equatable {
    /// From CD-ROM to working ports.
    public var switchSeconds: Int
    /// From the request to the download port.
    public var enterSeconds: Int
    /// From the restart to working ports.
    public var returnSeconds: Int

    enum CodingKeys: String, CodingKey {
      case switchSeconds = "switch_s"
      case enterSeconds = "enter_s"
      case returnSeconds = "return_s"
    }
  }

  /// Vendor in lower case.
  public var vendor: String
  /// What our support rests on: `simulator` or `hardware`.
  public var evidence: String
  /// Name of the sheet, as in `E303`.
  public var name: String
  /// Beginnings of the model names.
  public var models: [String]
  /// The platforms behind the name.
  public var guises: [Guise]
  /// What its owner should know, one sentence each.
  public var quirks: [String]
  /// How long its steps may take.
  public var timing: Timing

  /// Every sheet of Huawei's.
  public static let huawei: [ModelSheet] = [
    PackageResources.huawei_e220_json5, PackageResources.huawei_e1550_json5,
    PackageResources.huawei_e1750_json5, PackageResources.huawei_e153_json5,
    PackageResources.huawei_e173_json5, PackageResources.huawei_e303_json5,
    PackageResources.huawei_e3131_json5, PackageResources.huawei_e353_json5,
    PackageResources.huawei_e3276_json5, PackageResources.huawei_e3372s_json5,
    PackageResources.huawei_e3372h_json5, PackageResources.huawei_e3531_json5,
    PackageResources.huawei_e5_json5, PackageResources.huawei_siblings_json5,
  ].compactMap { decode($0) }

  /// How many sheets there should be; a broken one is found by a test.
  static let expected = 14

  /// Sheet and guise that fit what a stick said; nil for a stick that no sheet fits.
  ///
  /// The hardware text decides where it is known; else the world must be the guise's and the model
  /// the sheet's. A guise whose board list contradicts the hardware text is never chosen.
  public static func fitting(_ report: DeviceReport) -> (sheet: ModelSheet, guise: Guise)? {
    guard report.vendor == nil || report.vendor == "huawei" else { return nil }
    let model = report.model?.uppercased() ?? report.productID?.uppercased() ?? ""
    var best: (sheet: ModelSheet, guise: Guise)?
    var most = 0
    for sheet in huawei {
      // `E1732` belongs to a longer name than `E173`.
      guard let length = sheet.longestName(for: model) else { continue }
      for guise in sheet.guises where guise.world.isSameMaker(as: report.world) {
        let isOnBoard = guise.isOn(report.hardware)
        let contradicts = report.hardware != nil && !guise.boards.isEmpty && !isOnBoard
        if contradicts || report.world == .unknown && !isOnBoard { continue }
        let points = (isOnBoard ? 100 : 0) + (guise.world == report.world ? 50 : 0) + length
        if points > most { (best, most) = ((sheet, guise), points) }
      }
    }
    return best
  }

  /// Chip that the answers of a stick prove: its board's, else its world's maker
  /// (Docs/Protocols/huawei-models.md section 1).
  public static func chip(of report: DeviceReport) -> String? {
    for sheet in huawei {
      for guise in sheet.guises
      where guise.isOn(report.hardware) && guise.world.isSameMaker(as: report.world) {
        return guise.chip
      }
    }
    return switch report.world {
    case .qualcomm: "Qualcomm (which one is not told)"
    case .balongStick, .balongHiLink: "HiSilicon Balong (which one is not told)"
    case .unknown: nil
    }
  }

  /// Names of sheets and modes in which a stick may show this id; a question, never an answer.
  public static func modes(of id: USBID) -> [(name: String, mode: String)] {
    var found: [(String, String)] = []
    for sheet in huawei {
      for mode in ["cdrom", "normal", "serial", "download"]
      where sheet.guises.contains(where: { $0.ids[mode]?.contains(id.description) == true }) {
        found.append((sheet.name, mode))
      }
    }
    return found
  }

  private func longestName(for model: String) -> Int? {
    models.filter { model.hasPrefix($0) }.map(\.count).max()
  }

  static func decode(_ bytes: [UInt8]) -> ModelSheet? {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    return try? decoder.decode(ModelSheet.self, from: Data(bytes))
  }
}

extension ModelSheet.Guise {
  /// Whether a hardware text names one of its boards.
  func isOn(_ hardware: String?) -> Bool {
    guard let hardware else { return false }
    return boards.contains { hardware.hasPrefix($0) }
  }
}

extension DeviceReport.World {
  /// Qualcomm or Balong; a world that is unknown contradicts neither.
  func isSameMaker(as other: DeviceReport.World) -> Bool {
    other == .unknown || (self == .qualcomm) == (other == .qualcomm)
  }
}

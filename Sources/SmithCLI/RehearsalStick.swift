import SmithFormats
import SmithModel
import SmithSimulators

/// Which simulated stick a file is rehearsed on where its owner names none.
extension SimulatedModels {
  /// The name of one that takes such a file.
  ///
  /// - Throws: `usage.unknown-model` where none is known to.
  static func taking(_ image: FirmwareImage) throws(Trouble) -> String {
    guard let name = name(taking: image) else {
      let products = image.claims.products
      throw unknown(
        products.isEmpty
          ? "The file does not say which stick it is for."
          : "No simulated model takes a file for \(products.joined(separator: ", ")).",
        advice: "Name one with --model: \(names.joined(separator: ", ")).")
    }
    return name
  }

  private static func name(taking image: FirmwareImage) -> String? {
    let products = image.claims.products
    switch image.format {
    case .balong:
      let sticks = HuaweiBalongStick.Personality.all + HuaweiBalongStick.Personality.relatives
      return sticks.first { products.contains($0.downloadID) }?.name
    case .sierraCWE:
      let codes = (image.claims.sierra ?? []).map(\.product)
      let fitting = SierraPersonality.all.first { entry in
        codes.contains { entry.personality.products.contains($0) }
      }
      return fitting.map { sierra + $0.name }
    case .gobi2000:
      return SierraPersonality.all.first { isGobi(sierra + $0.name) }.map { sierra + $0.name }
    case .huaweiUpdater: return HuaweiQualcommStick.Personality.all.first?.name
    case .qualcommNAND: return zte
    case .qualcommRawProgram: return QualcommSampleFolder.model
    case .balongFolder, .opaque: return nil
    }
  }

  /// A version that is older than the file's and of its family, where the one that the model
  /// leaves the factory with is not: a rehearsal of nothing shows nothing.
  static func olderFirmware(than image: FirmwareImage, for name: String) -> String? {
    guard let personality = HuaweiBalongStick.Personality.named(name),
      let wanted = image.claims.firmware, let groups = wanted.groups, groups.count == 5
    else { return nil }
    let factory = FirmwareVersion(personality.firmware)
    if factory.groups?.first == groups[0], factory.isOlder(than: wanted) == true { return nil }
    let parts = wanted.text.split(separator: ".")
    return "\(parts[0]).001.00.00.\(parts[4])"
  }
}

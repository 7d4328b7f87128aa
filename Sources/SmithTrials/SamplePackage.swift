import SmithBench
import SmithFormats
public import SmithSimulators

/// Makes firmware files for simulated sticks: the vendor's container around contents of our own.
public struct SamplePackage: Sendable {
  /// What a package holds.
  public enum Kind: String, Sendable, CaseIterable {
    /// Firmware items.
    case firmware
    /// The CD image with the PC software.
    case dashboard
    /// Firmware and CD image.
    case both
  }

  /// The stick that it is for.
  public var personality: HuaweiBalongStick.Personality
  /// The version that it holds.
  public var version = "21.157.99.00.00"
  /// The version of its dashboard, at most 32 characters; of a web interface, for HiLink sticks.
  public var dashboard: String
  /// Bytes of all items together, about.
  public var bytes = 65_536
  /// Seed of its contents.
  public var seed: UInt64 = 1
  /// What it holds.
  public var kind = Kind.firmware
  /// Whether it carries a signature block.
  public var signed = false
  /// Whether items are packed with zlib and LZMA.
  public var compressed = false
  /// Whether it is wrapped in a Windows program, as vendors do.
  public var exe = false

  /// A plain package for a stick.
  public init(for personality: HuaweiBalongStick.Personality) {
    self.personality = personality
    dashboard =
      personality.hasPage ? "WEBUI_17.100.99.00.00_HILINK" : "UTPS23.015.99.00.00"
  }

  /// Size of the signature block of a signed sample.
  public static let signatureSize = 2958

  /// The file.
  public func build() -> [UInt8] {
    var dice = Seeded(seed)
    let isDisc: (UInt32) -> Bool = { [0x10c, 0x113, 0xb0000, 0x5b0000].contains($0) }
    // The factory's own items, in the vendor's order.
    var ids = personality.factoryItems.filter {
      kind == .both || isDisc($0) == (kind == .dashboard)
    }
    var kinds: Set<ImageKind> =
      switch kind {
      case .firmware: [.firmware]
      case .dashboard: [.dashboard]
      case .both: [.firmware, .dashboard]
      }
    if personality.hasPage, kind != .firmware {
      ids.append(ids.contains(0x10c) ? 0x113 : 0x5b0000)
      kinds.insert(.webInterface)
    }
    var builder = BalongBuilder(kind: kinds, compatibility: personality.downloadID)
    let share = max(512, bytes / ids.count)
    for (index, id) in ids.enumerated() {
      let marker = isDisc(id) ? "SMITHSIM-DASHBOARD:\(dashboard);" : "SMITHSIM-VERSION:\(version);"
      let data = content(marker, share + (index.isMultiple(of: 2) ? 0 : 777), &dice)
      let packing: Packing = !compressed || index == 0 ? .none : index % 2 == 0 ? .zlib : .lzma
      builder.add(
        id: id, data: data,
        version: isDisc(id) ? dashboard : ":\(personality.model):\(version)", packing: packing)
    }
    if signed {
      builder.signed(keyHash: (0..<32).map { UInt8($0 * 7 + 1) }, size: Self.signatureSize)
    }
    let package = builder.build()
    return exe ? BalongBuilder.program(around: package) : package
  }

  /// Half noise, half repeats, so that packing has something to do.
  private func content(_ marker: String, _ size: Int, _ dice: inout Seeded) -> [UInt8] {
    var data = [UInt8](marker.utf8)
    data.reserveCapacity(size)
    while data.count < size {
      var word = dice.next()
      for _ in 0..<(data.count.isMultiple(of: 3) ? 1 : 4) {
        unsafe withUnsafeBytes(of: &word) { unsafe data.append(contentsOf: $0) }
      }
    }
    return [UInt8](data.prefix(size))
  }
}

extension HuaweiBalongStick.Personality {
  /// Whether its firmware serves a page.
  fileprivate var hasPage: Bool { dashboard.hasPrefix("WEBUI") }
}

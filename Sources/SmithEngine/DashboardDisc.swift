import Foundation
public import SmithBytes
public import SmithFormats
public import SmithModel
public import SmithVendors

/// A bare CD image, made into the package that the download monitor takes: kind ISO, one item
/// (Docs/Protocols/huawei-dashboard.md section 5). That sticks take such a package of ours is an
/// inference; signed sticks refuse it.
public struct DashboardDisc: Sendable {
  /// What the CD says of itself.
  public let dashboard: Dashboard
  private let bytes: SharedBytes

  /// Whether the file is a bare CD image.
  public static func isOne(_ path: String) -> Bool {
    guard let bytes = try? SharedBytes(file: path) else { return false }
    return ForeignFile.recognise(bytes)?.kind == .iso9660
  }

  /// Opens and reads the image.
  ///
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(path: String) throws(Trouble) {
    let bytes = try FileKeeping.asItIs.open(path)
    try self.init(bytes)
  }

  /// Reads an image that is in memory already.
  public init(_ bytes: SharedBytes) throws(Trouble) {
    do { dashboard = try Dashboard.read(bytes) } catch { throw error.trouble }
    self.bytes = bytes
  }

  /// The package for a stick that said this of itself.
  ///
  /// - Throws: `dashboard.disc-refused` where no package for this stick can be made of it.
  public func package(for report: DeviceReport) throws(Trouble) -> [UInt8] {
    if let vendor = dashboard.vendor, vendor != .huawei {
      throw Self.refused("the CD is \(vendor.rawValue)'s")
    }
    let products = DeviceCatalogue.huaweiBalong.products(
      model: report.model, hardware: report.hardware)
    guard products.count == 1 else {
      throw Self.refused("no table says which product id this stick has")
    }
    let chips = RescueChips.chips(of: products) ?? []
    guard chips.count == 1, let layout = Self.layouts[chips[0]] else {
      throw Self.refused("it is not known which item holds the CD on this chip")
    }
    guard bytes.count <= layout.limit else {
      throw Self.refused("the CD is bigger than the \(layout.limit >> 20) MiB that the stick takes")
    }
    var builder = BalongBuilder(kind: [.dashboard], compatibility: products[0])
    builder.add(
      id: layout.item, data: bytes.bytes(),
      version: String((dashboard.version ?? "").prefix(32)), blockSize: 65_536)
    // Asked last: a file that changed under the copy would be packed half old, half new.
    guard !bytes.hasChanged else { throw Self.refused("the file changed while it was read") }
    return builder.build()
  }

  /// Which item holds the CD, and how big it may be.
  private static let layouts: [String: (item: UInt32, limit: Int)] = [
    "Balong V3R3": (0x10c, 88 << 20), "Balong V7R1": (0x10c, 40 << 20),
    "Balong V7R2": (0xb0000, 40 << 20), "Balong V7R11": (0xb0000, 40 << 20),
  ]

  private static func refused(_ why: String) -> Trouble {
    Trouble(
      "dashboard.disc-refused", "No package can be made of this CD image: \(why).",
      advice: ["Get the dashboard's package (.bin or .exe) for exactly this stick."],
      exitCode: .refused)
  }

  /// What an owner has to allow first.
  public static let inference = Trouble(
    "plan.experimental", "A part of this update rests on inference and was never proven.",
    facts: ["a package that we make of a bare CD image may be refused by the stick"],
    advice: ["Get the dashboard's package instead; or accept the risk with `--experimental`."],
    exitCode: .refused)
}

extension DashboardKeeper {
  /// The package of a bare CD image for the stick at `place`, which is asked who it is.
  public func package(of disc: DashboardDisc, at place: Place) async throws(Trouble) -> [UInt8] {
    try disc.package(for: try await normal(place).report)
  }
}

extension StateDirectory {
  /// Keeps a package that was made here, so that an interrupted update finds it again.
  ///
  /// - Returns: its path.
  public func keep(package bytes: [UInt8], named name: String) throws(Trouble) -> String {
    let folder = "\(path)/packages"
    let file = "\(folder)/\(name).bin"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw FileJournal.notWritable(file)
    }
    return file
  }

  /// Every rescue journal, oldest first: its path and records.
  public func allRescueJournals() -> [(path: String, records: [RescueRecord])] {
    let folder = "\(path)/rescues"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { name in
      let file = "\(folder)/\(name)"
      let lines = FileManager.default.contents(atPath: file)?.split(separator: 0x0a) ?? []
      // A torn last line is what a crash leaves.
      return (
        file, lines.compactMap { try? JSONDecoder().decode(RescueRecord.self, from: Data($0)) }
      )
    }
  }
}

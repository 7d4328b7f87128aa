public import SmithBytes

/// What a CD-ROM image of a stick is: the program that the computer's owner sees
/// (Docs/Protocols/iso9660.md section 5).
public struct Dashboard: Sendable {
  /// Whose dashboard it is.
  public enum Vendor: String, Sendable, Codable, CaseIterable {
    /// Huawei: Mobile Partner, HiLink.
    case huawei
    /// ZTE.
    case zte
    /// Alcatel, made by TCL.
    case alcatel
  }

  /// Labels and files of the image.
  public var image: ISO9660Image
  /// Whose it is; nil if nothing in it tells.
  public var vendor: Vendor?
  /// The stick it is for, if the volume's name tells.
  public var model: String?
  /// Its version, if a file in it tells.
  public var version: String?
  /// The file that told the version, and others that tell of versions.
  public var versionFiles: [String]
  /// What runs when the CD appears: the lines of autorun.inf.
  public var autorun: [String: String]
  /// Driver descriptions in it.
  public var drivers: [String]
  /// USB vendors that its drivers are for, four hexadecimal digits.
  public var usbVendors: [String]
  /// What told whose it is, one sentence each.
  public var evidence: [String]

  /// Reads an image and looks at its small text files.
  ///
  /// - Throws: ``ISO9660Error``.
  public static func read(
    _ file: SharedBytes, limits: ISO9660Limits = .standard
  ) throws(ISO9660Error) -> Dashboard {
    var finder = DashboardFinder(try ISO9660Image.read(file, limits: limits))
    return finder.look()
  }
}

/// Gathers what the files of a dashboard tell.
struct DashboardFinder {
  private var result: Dashboard
  private var scores: [Dashboard.Vendor: Int] = [:]
  /// How sure the version is: its own field before any text of its shape.
  private var versionRank = 0

  /// Most bytes of one file that are looked at, and most files.
  private static let textLimit = 256 << 10
  private static let fileLimit = 400

  init(_ image: ISO9660Image) {
    result = Dashboard(
      image: image, vendor: nil, model: nil, version: nil, versionFiles: [], autorun: [:],
      drivers: [], usbVendors: [], evidence: [])
  }

  mutating func look() -> Dashboard {
    let image = result.image
    labels()
    let endings = ["inf", "ini", "dat", "cfg", "conf", "xml", "txt", "plist"]
    let texts = image.files.filter { file in
      file.size > 0 && file.size <= Self.textLimit
        && endings.contains(String(file.name.lowercased().split(separator: ".").last ?? ""))
    }
    for file in texts.prefix(Self.fileLimit) {
      read(file, Self.text(file.bytes(limit: Self.textLimit)))
    }
    structure()
    let best = scores.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }
    if let best, scores.values.count(where: { $0 == best.value }) == 1 { result.vendor = best.key }
    result.usbVendors.sort()
    return result
  }

  private mutating func score(_ vendor: Dashboard.Vendor, _ points: Int, _ why: String) {
    scores[vendor, default: 0] += points
    if result.evidence.count < 12, !result.evidence.contains(why) { result.evidence.append(why) }
  }

  /// The volume's name and the publisher's.
  private mutating func labels() {
    let image = result.image
    let fields = [image.volume, image.publisher, image.preparer, image.application, image.system]
    for field in fields where !field.isEmpty {
      if let vendor = Self.vendor(in: field) {
        score(vendor, 3, "the CD is named or signed \"\(field)\"")
      }
    }
    let volume = image.volume.uppercased()
    if ["MOBILE PARTNER", "MOBILEPARTNER", "HILINK", "MOBILE_PARTNER"].contains(volume) {
      score(.huawei, 2, "the CD is named \"\(image.volume)\"")
    }
    for prefix in ["ZTE_", "ZTE ", "HUAWEI_", "HUAWEI ", "ALCATEL_", "ALCATEL "]
    where volume.hasPrefix(prefix) && volume.contains(where: \.isNumber) {
      result.model = String(image.volume.dropFirst(prefix.count))
    }
  }

  /// One text file: autorun, driver, or anything with versions in it.
  private mutating func read(_ file: ISO9660File, _ text: String) {
    let name = file.name.lowercased()
    if name == "autorun.inf" { autorun(text) }
    let upper = text.uppercased()
    if name.hasSuffix(".inf"), upper.contains("[VERSION]") { result.drivers.append(file.path) }
    for (id, vendor) in [("12D1", Dashboard.Vendor.huawei), ("19D2", .zte), ("1BBB", .alcatel)]
    where upper.contains("VID_\(id)") {
      score(vendor, 4, "\(file.path) is for USB vendor \(id.lowercased())")
      if !result.usbVendors.contains(id.lowercased()) {
        result.usbVendors.append(id.lowercased())
      }
    }
    if let vendor = Self.vendor(in: text) { score(vendor, 1, "\(file.path) names its maker") }
    version(in: text, of: file)
  }

  private mutating func autorun(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline).prefix(100) {
      let parts = line.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = Self.trimmed(parts[0]).lowercased()
      if !key.hasPrefix(";") {
        result.autorun[key] = String(Self.trimmed(parts[1]).prefix(120)).shownSafely
      }
    }
  }

  /// A field that says product version, else the first text of a version's shape.
  private mutating func version(in text: String, of file: ISO9660File) {
    var section = ""
    var found: (text: String, rank: Int)?
    for line in text.split(whereSeparator: \.isNewline).prefix(4000) {
      let trimmed = Self.trimmed(line)
      if trimmed.hasPrefix("["), let end = trimmed.firstIndex(of: "]") {
        section = trimmed[..<end].lowercased()
      }
      guard let value = Self.version(in: trimmed) else { continue }
      let lower = trimmed.lowercased()
      // A driver's own version tells nothing about the dashboard around it.
      if lower.contains("driverver") { continue }
      let isField = section.contains("product_version") || lower.contains("product_version")
      let isVendors = lower.contains("utps") || lower.contains("webui") || lower.contains("pcw_")
      let rank = isField ? 3 : isVendors ? 2 : lower.contains("version") ? 1 : 0
      if rank > (found?.rank ?? 0) { found = (value, rank) }
    }
    guard let found else { return }
    if result.versionFiles.count < 16 { result.versionFiles.append(file.path) }
    if found.rank > versionRank {
      versionRank = found.rank
      result.version = found.text
    }
  }

  /// Files that only one maker's dashboards have.
  private mutating func structure() {
    let names = Set(result.image.files.map { $0.path.lowercased() })
    func has(_ part: String) -> Bool { names.contains { $0.contains(part) } }
    if has("arconfig.dat") || has("mobilebrserv/") || has("sysconfig.dat") {
      score(.huawei, 2, "its files are laid out as Huawei's")
    }
    if has("ztedrvsetup.exe") || has("ztedrv") || has("zte_") {
      score(.zte, 2, "its files are named as ZTE's")
    }
    if has("alcatel") || has("onetouch") || has("one touch") {
      score(.alcatel, 2, "its files are named as Alcatel's")
    }
  }

  /// Whose name stands in a text; nil if none or more than one does.
  private static func vendor(in text: String) -> Dashboard.Vendor? {
    let upper = text.uppercased()
    var found: Set<Dashboard.Vendor> = []
    if upper.contains("HUAWEI") { found.insert(.huawei) }
    if upper.contains("ZTE CORP") || upper.contains("ZTE_") || upper.contains("ZTE ")
      || upper == "ZTE" || upper.contains("ZTEMODEM")
    {
      found.insert(.zte)
    }
    if upper.contains("ALCATEL") || upper.contains("TCT MOBILE") || upper.contains("JRDCOM") {
      found.insert(.alcatel)
    }
    return found.count == 1 ? found.first : nil
  }

  /// Two or more groups of digits with dots and at least four groups, or ZTE's letter form, with
  /// a prefix as in `UTPS23.015` or `WEBUI_17.100` taken along.
  private static func version(in line: String) -> String? {
    for word in line.split(whereSeparator: { " \t=\"'<>,;:()[]".contains($0) }).prefix(40) {
      let tail = word.drop { !$0.isNumber }
      let isDotted =
        tail.split(separator: ".", omittingEmptySubsequences: false)
        .prefix { !$0.isEmpty && $0.first?.isNumber == true }.count >= 4
      let isLettered = word.hasPrefix("PCW_") || word.hasPrefix("BD_")
      guard isDotted || isLettered, word.count <= 64,
        word.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
      else { continue }
      return String(word)
    }
    return nil
  }

  /// UTF-16 with its mark, else bytes as they are.
  private static func text(_ bytes: [UInt8]) -> String {
    guard bytes.count >= 2, bytes[0] ^ bytes[1] == 1, bytes[0] == 0xff || bytes[0] == 0xfe else {
      return String(decoding: bytes, as: UTF8.self)
    }
    let isLittle = bytes[0] == 0xff
    var units: [UInt16] = []
    for index in stride(from: 2, to: bytes.count - 1, by: 2) {
      let (one, two) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
      units.append(isLittle ? two << 8 | one : one << 8 | two)
    }
    return String(decoding: units, as: UTF16.self)
  }

  private static func trimmed(_ text: Substring) -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    var cut = text.drop(while: blank)
    while let last = cut.last, blank(last) { cut.removeLast() }
    return String(cut)
  }
}

import Crypto
import Foundation
import SmithEngine
public import SmithFormats
public import SmithModel

/// AppStream's description of a firmware file, as far as it matters here
/// (Docs/Protocols/firmware-cabinet.md section 2).
public struct MetaInfo: Sendable, Equatable {
  /// Checksum of one file of the cabinet.
  public struct Checksum: Sendable, Equatable {
    /// Name of the file.
    public var file: String
    /// SHA-256, hexadecimal.
    public var sha256: String
  }

  /// Reverse-DNS id, as in `org.modemsmith.e3531`.
  public var id: String
  /// Name for people.
  public var name: String
  /// One line.
  public var summary: String
  /// GUIDs of the devices that take it.
  public var guids: [String]
  /// Version of the newest release.
  public var version: String?
  /// Date of that release.
  public var date: String?
  /// Its text, without mark-up.
  public var description: String
  /// Checksums of the release's files.
  public var checksums: [Checksum]
  /// Our own claims, kept as custom values that other readers skip.
  public var custom: [String: String]

  /// Describes one image of the library.
  public init(_ image: FoundImage, file: String, sha256: String, note: String?) {
    let product = image.claims.products.first ?? "unknown"
    let plain = product.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
    id = "org.modemsmith.\(plain.isEmpty ? "unknown" : plain).firmware"
    name = "Firmware for \(image.claims.products.joined(separator: ", "))"
    summary = "Firmware of a USB modem"
    guids = image.claims.products.map { Self.guid("MODEMSMITH\\PRODUCT_\($0.uppercased())") }
    version = image.claims.firmware?.text
    date = nil
    description = note ?? ""
    checksums = [Checksum(file: file, sha256: sha256)]
    custom = ["Modemsmith::Format": image.format]
    custom["Modemsmith::Products"] = image.claims.products.joined(separator: ",")
    custom["Modemsmith::Kinds"] = image.kinds.map(\.rawValue).joined(separator: ",")
  }

  /// A name-based UUID (version 5) in the DNS name space: how device texts become GUIDs.
  static func guid(_ text: String) -> String {
    let space: [UInt8] = [
      0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
      0xc8,
    ]
    var bytes = Array(Insecure.SHA1.hash(data: space + Array(text.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0f | 0x50
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    var cut = Substring(digits)
    return [8, 4, 4, 4, 12].map { count in
      defer { cut = cut.dropFirst(count) }
      return String(cut.prefix(count))
    }.joined(separator: "-")
  }

  // MARK: Writing

  /// The file's bytes.
  public var encoded: [UInt8] {
    func safe(_ text: String) -> String { TextXML.escaped(text) }
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<component type=\"firmware\">",
      "  <id>\(safe(id))</id>", "  <name>\(safe(name))</name>",
      "  <summary>\(safe(summary))</summary>", "  <provides>",
    ]
    lines += guids.map { "    <firmware type=\"flashed\">\(safe($0))</firmware>" }
    let dated = date.map { " date=\"\(safe($0))\"" } ?? ""
    lines += ["  </provides>", "  <releases>"]
    lines.append("    <release version=\"\(safe(version ?? "0"))\"\(dated)>")
    lines += checksums.map {
      "      <checksum type=\"sha256\" filename=\"\(safe($0.file))\" target=\"content\">"
        + "\(safe($0.sha256))</checksum>"
    }
    if !description.isEmpty {
      lines.append("      <description><p>\(safe(description))</p></description>")
    }
    lines += ["    </release>", "  </releases>", "  <custom>"]
    lines += custom.sorted { $0.key < $1.key }.map {
      "    <value key=\"\(safe($0.key))\">\(safe($0.value))</value>"
    }
    lines += ["  </custom>", "</component>", ""]
    return Array(lines.joined(separator: "\n").utf8)
  }

  // MARK: Reading

  /// Reads a description; the newest release is the first one, as the form demands.
  ///
  /// - Throws: `cabinet.bad-metainfo`.
  public init(_ bytes: [UInt8]) throws(Trouble) {
    self.init()
    var limits = TextXML.Limits()
    limits.bytes = 1 << 20
    limits.elements = 20_000
    do throws(TextXML.Flaw) {
      var reader = MetaInfoReader()
      var xml = try TextXML(bytes, limits: limits)
      while let event = try xml.next() { reader.take(event, &self) }
    } catch {
      throw Self.bad("\(error.reason) at byte \(error.offset)")
    }
    guard !id.isEmpty else { throw Self.bad("it describes no component") }
  }

  private init() {
    (id, name, summary, description) = ("", "", "", "")
    (guids, checksums, custom) = ([], [], [:])
  }

  static func bad(_ reason: String) -> Trouble {
    Trouble(
      "cabinet.bad-metainfo", "The description in the cabinet cannot be used: \(reason).",
      advice: ["Get the cabinet once more from where it came from."], exitCode: .badFile)
  }

  /// Claims as the custom values and the release give them.
  public var claims: ImageClaims {
    let products = custom["Modemsmith::Products"]?.split(separator: ",").map(String.init) ?? []
    return ImageClaims(products: products, firmware: version.map { FirmwareVersion($0) })
  }
}

/// Where in the document the reader is.
private struct MetaInfoReader {
  private var path: [String] = []
  private var text = ""
  private var attributes: [[String: String]] = []
  private var releases = 0

  mutating func take(_ event: TextXML.Event, _ info: inout MetaInfo) {
    switch event {
    case .open(let name, let given):
      path.append(name)
      attributes.append(given)
      text = ""
      guard path == ["component", "releases", "release"] else { return }
      releases += 1
      guard releases == 1 else { return }
      info.version = given["version"]
      info.date = given["date"]
    case .text(let more): if text.utf8.count < 65_536 { text += more }
    case .close:
      close(&info)
      path.removeLast()
      attributes.removeLast()
      text = ""
    }
  }

  private func close(_ info: inout MetaInfo) {
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let given = attributes.last ?? [:]
    switch path.joined(separator: "/") {
    case "component/id": info.id = words
    case "component/name": if info.name.isEmpty { info.name = words }
    case "component/summary": if info.summary.isEmpty { info.summary = words }
    case "component/provides/firmware":
      if given["type"] == "flashed", info.guids.count < 256 { info.guids.append(words) }
    case "component/releases/release/checksum":
      guard releases == 1, given["type"] == "sha256", given["target"] != "container",
        let file = given["filename"], info.checksums.count < 256
      else { return }
      info.checksums.append(.init(file: file, sha256: words.lowercased()))
    case "component/releases/release/description/p", "component/releases/release/description/ul/li":
      guard releases == 1, info.description.utf8.count < 65_536 else { return }
      info.description += (info.description.isEmpty ? "" : " ") + words
    case "component/custom/value":
      if let key = given["key"], info.custom.count < 256 { info.custom[key] = words }
    default: break
    }
  }
}

import Crypto
import Foundation
public import SmithBytes
import SmithFormats
public import SmithModel
public import SmithVendors

extension CheckedImage {
  /// A file that goes to a page as it is; only the stick can read it.
  ///
  /// - Throws: `plan.wrong-vendor` for another maker's package, and what a file that is none can
  ///   come to.
  public init(forPageOf report: DeviceReport, path: String) throws(Trouble) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    try self.init(forPageOf: report, try FileKeeping.asItIs.open(full), named: full)
  }

  /// The same of bytes that are in memory already.
  public init(forPageOf report: DeviceReport, _ bytes: SharedBytes, named path: String)
    throws(Trouble)
  {
    let foreign = Result { () throws(Trouble) in try Self.refuseForeign(bytes, report) }
    let sum = Self.digest(bytes)
    guard !bytes.hasChanged else { throw FileKeeping.changed(path) }
    try foreign.get()
    self.init(
      image: FirmwareImage(
        format: .opaque, origin: 0..<bytes.count, kinds: [.firmware], segments: []),
      path: path, sha256: sum)
  }

  /// Stands for the update that the stick itself loads; there is no file.
  init(online version: String?) {
    self.init(
      image: FirmwareImage(
        format: .opaque, origin: 0..<0, kinds: [.firmware], segments: [],
        claims: ImageClaims(firmware: version.map { FirmwareVersion($0) })),
      path: WebPlan.onlineFile, sha256: Self.digest(SharedBytes(Array((version ?? "").utf8))))
  }

  private static func refuseForeign(_ bytes: SharedBytes, _ report: DeviceReport) throws(Trouble) {
    if let foreign = ForeignFile.recognise(bytes) {
      switch foreign.kind {
      case .sierra: throw FrontDoor.sierra(report)
      case .webPage, .text, .iso9660, .windowsProgram:
        break
      default: return
      }
    }
    let image: FirmwareImage
    do { image = try ImageRegistry.recognise(bytes) } catch {
      // Unknown containers are for the stick to judge; what is certainly no firmware is not.
      let trouble = error.trouble
      let hopeless = ["file.web-page", "file.text", "file.empty", "file.blank", "file.iso"]
      if hopeless.contains(trouble.code) { throw trouble }
      return
    }
    try FrontDoor.check(image, for: report)
    let stick = report.model ?? report.manufacturer ?? "none of theirs"
    throw Trouble(
      "plan.wrong-vendor",
      "The file is a package of another maker (\(image.format.rawValue)); this is a \(stick).",
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      exitCode: .refused)
  }

  private static func digest(_ bytes: SharedBytes) -> String {
    var hash = SHA256()
    bytes.forEachWindow { span, _ in
      unsafe span.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
      return true
    }
    return [UInt8](hash.finalize()).hex
  }
}

/// Looks for texts in a file without reading it into memory at once.
enum FileText {
  /// Whether the bytes of `text` stand anywhere.
  static func contains(_ text: String, _ bytes: SharedBytes) -> Bool {
    let wanted = Array(text.utf8)
    guard !wanted.isEmpty, bytes.count >= wanted.count else { return false }
    // Windows overlap by what a text can begin with before their ends.
    var tail: [UInt8] = []
    var isFound = false
    bytes.forEachWindow { span, _ in
      isFound = unsafe stands(wanted, in: (tail + head(of: span, wanted.count - 1)).span.bytes)
      if !isFound { isFound = stands(wanted, in: span) }
      tail = end(of: span, wanted.count - 1)
      return !isFound
    }
    return isFound
  }

  private static func head(of span: RawSpan, _ count: Int) -> [UInt8] {
    let part = span.extracting(first: min(count, span.byteCount))
    return unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
  }

  private static func end(of span: RawSpan, _ count: Int) -> [UInt8] {
    let part = span.extracting(last: min(count, span.byteCount))
    return unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
  }

  private static func stands(_ wanted: [UInt8], in span: RawSpan) -> Bool {
    var index = 0
    let end = span.byteCount - wanted.count
    while index <= end {
      if unsafe span.unsafeLoad(fromByteOffset: index, as: UInt8.self) == wanted[0] {
        var same = 1
        while same < wanted.count,
          unsafe span.unsafeLoad(fromByteOffset: index + same, as: UInt8.self) == wanted[same]
        {
          same += 1
        }
        if same == wanted.count { return true }
      }
      index += 1
    }
    return false
  }
}

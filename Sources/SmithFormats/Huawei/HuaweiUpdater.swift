public import SmithBytes
import SmithModel

/// Huawei's updaters for sticks of the Qualcomm era: Windows programs whose package no reader knows
/// (Docs/Protocols/huawei-qualcomm.md section 4).
///
/// Nothing in them is verified and nothing can be sent: only the version text is read, so that the
/// owner hears what the file is.
public enum HuaweiUpdater {
  /// Bytes that are looked at; a larger program is no updater of that time.
  static let limit = 256 << 20

  /// A Windows program that names Huawei and a version of the 11.x family; nil for any other file.
  public static func read(_ file: SharedBytes) -> FirmwareImage? {
    guard file.count <= limit, file.bytes(0..<min(2, file.count)) == [0x4d, 0x5a] else {
      return nil
    }
    var scan = Scan()
    let step = 1 << 20
    var start = 0
    while start < file.count {
      // An overlap, so that no text is lost on the seam.
      scan.look(at: file.bytes(start..<min(file.count, start + step + Scan.overlap)), new: step)
      start += step
    }
    guard scan.namesHuawei, let version = scan.version else { return nil }
    return FirmwareImage(
      format: .huaweiUpdater, origin: 0..<file.count, kinds: [.firmware], segments: [],
      claims: ImageClaims(firmware: FirmwareVersion(version)), warnings: [.layoutUnknown])
  }

  /// One pass over the bytes for texts of one byte a character, and of two as Windows keeps them.
  private struct Scan {
    /// Twice the longest text.
    static let overlap = 64

    var namesHuawei = false
    private var versions: [String: Int] = [:]

    /// The version that is named most often; of equals the newest text.
    var version: String? {
      versions.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    }

    mutating func look(at bytes: [UInt8], new: Int) {
      for index in bytes.indices.prefix(new) {
        switch bytes[index] {
        case 0x31:
          for width in [1, 2] { note(Self.version(bytes, index, width)) }
        case 0x48, 0x68:
          if !namesHuawei { namesHuawei = Self.isHuawei(bytes, index) }
        default: break
        }
      }
    }

    private mutating func note(_ version: String?) {
      guard let version, versions[version] != nil || versions.count < 64 else { return }
      versions[version, default: 0] += 1
    }

    private static func character(_ bytes: [UInt8], _ start: Int, _ at: Int, _ width: Int)
      -> UInt8?
    {
      let index = start + at * width
      guard index + width <= bytes.count, width == 1 || bytes[index + 1] == 0 else { return nil }
      return bytes[index]
    }

    private static func isHuawei(_ bytes: [UInt8], _ start: Int) -> Bool {
      [1, 2].contains { width in
        "HUAWEI".utf8.enumerated().allSatisfy { at, wanted in
          character(bytes, start, at, width).map { $0 & 0xdf } == wanted
        }
      }
    }

    /// `11.ddd.dd.dd.` and two or three digits, with no digit or dot in front.
    private static func version(_ bytes: [UInt8], _ start: Int, _ width: Int) -> String? {
      if start >= width, let before = character(bytes, start - width, 0, width),
        before == 0x2e || (0x30...0x39).contains(before)
      {
        return nil
      }
      var text: [UInt8] = []
      for shape in "11.ddd.dd.dd.dd".utf8 {
        guard let found = character(bytes, start, text.count, width) else { return nil }
        let isRight = shape == 0x64 ? (0x30...0x39).contains(found) : found == shape
        guard isRight else { return nil }
        text.append(found)
      }
      if let next = character(bytes, start, text.count, width), (0x30...0x39).contains(next) {
        text.append(next)
      }
      return String(decoding: text, as: UTF8.self)
    }
  }
}

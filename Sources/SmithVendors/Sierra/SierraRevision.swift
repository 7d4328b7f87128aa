import SmithBytes
import SmithFormats
public import SmithModel

/// The revision text of a Sierra stick, taken apart (Docs/Protocols/sierra-identify.md section 3).
public struct SierraRevision: Hashable, Sendable {
  /// Chip family as in `SWI9X15C`, or the line letter of a 3G stick, as in `K`.
  public var family: String
  /// Version: four dotted groups, or the number groups of a 3G stick joined by dots.
  public var version: FirmwareVersion
  /// Letters behind the number: `AP` application, `BT` boot loader; empty for newer sticks.
  public var image: String
  /// Chipset named in a build path, as in `MSM6290`; nil if none is.
  public var chipset: String?
  /// Everything behind the first word.
  public var build: String

  /// Reads `SWI9X15C_05.05.02.00 r19147 ...` or `K1_0_2_4AP C:/...`; nil for any other text
  /// (Gobi 2000 texts are opaque).
  public init?(_ text: String) {
    let trimmed = SierraLines.trim(text)
    guard let word = trimmed.split(separator: " ").first.map(String.init) else { return nil }
    build = SierraLines.trim(String(trimmed.dropFirst(word.count)))
    chipset = build.split { "/\\ ".contains($0) }.map(String.init).first {
      ($0.hasPrefix("MSM") || $0.hasPrefix("MDM")) && $0.contains(where: \.isNumber)
    }
    if let parts = Self.modern(word) {
      (family, version, image) = parts
    } else if let parts = SierraVersionText.early(word) {
      (family, version, image) = parts
    } else {
      return nil
    }
  }

  private static func modern(_ word: String) -> (String, FirmwareVersion, String)? {
    guard word.hasPrefix("SWI") else { return nil }
    let parts = word.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts[0].hasPrefix("SWI"), parts[0].count > 3 else { return nil }
    let letters = String(parts[1].drop { $0.isNumber || $0 == "." })
    let number = String(parts[1].dropLast(letters.count))
    let version = FirmwareVersion(number)
    guard letters.allSatisfy({ $0.isASCII && $0.isLetter }), version.groups?.count == 4 else {
      return nil
    }
    return (parts[0], version, letters)
  }
}

/// Helpers for answer lines: blanks at the ends, names and values.
enum SierraLines {
  static func trim(_ text: String) -> String { text.trimmed }

  /// The value behind `name:` in the first line that begins with it; case does not matter.
  static func value(_ name: String, in lines: [String]) -> String? {
    for line in lines {
      let bytes = line[...].trimmed.utf8
      guard bytes.count > name.utf8.count,
        zip(bytes, name.utf8).allSatisfy({ $0.inUpperCase == $1.inUpperCase })
      else { continue }
      let rest = bytes.dropFirst(name.utf8.count)
      guard rest.first == 0x3a else { continue }
      return String(Substring(rest.dropFirst()).trimmed)
    }
    return nil
  }

  static func known(_ text: String?) -> String? {
    guard let text, !text.isEmpty, !["none", "unknown", "?"].contains(text.lowercased()) else {
      return nil
    }
    return text
  }

  static func hex(_ text: String?) -> UInt16? {
    guard let text, text.lowercased().hasPrefix("0x") else { return nil }
    return UInt16(text.dropFirst(2), radix: 16)
  }
}

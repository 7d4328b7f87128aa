import SmithBytes

/// A USB vendor and product id.
public struct USBID: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Vendor id, for example 12d1 for Huawei.
  public var vendor: UInt16
  /// Product id; tells a composition, never by itself a state.
  public var product: UInt16

  /// Joins the two numbers.
  public init(_ vendor: UInt16, _ product: UInt16) {
    self.vendor = vendor
    self.product = product
  }

  /// Four hexadecimal digits each, as in `12d1:1506`.
  public var description: String { "\(Self.four(vendor)):\(Self.four(product))" }

  private static func four(_ value: UInt16) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}

/// Where a stick is plugged in: the only name of a stick that survives re-enumeration.
public enum Place: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Bus and port chain, as in `1-2.3`.
  case usb(String)
  /// Ports named by the owner (`--port`), reopened by path after each re-enumeration.
  case named(String)

  /// `1-2.3`, or the path.
  public var description: String {
    switch self {
    case .usb(let chain): chain
    case .named(let path): path
    }
  }
}

/// What a port of a stick is for.
public enum PortRole: String, Hashable, Sendable, Codable, CaseIterable {
  /// AT commands; the port to use for everything in normal mode (PCUI).
  case at
  /// PPP data; never written to by us.
  case modem
  /// Qualcomm or Balong diagnostics.
  case diag
  /// Position reports; never written to.
  case gps
  /// The port of download mode.
  case download
  /// The port of the boot ROM (12d1:1443 and its like).
  case bootROM
  /// Role not known.
  case unknown
}

/// A firmware version as the vendor writes it.
public struct FirmwareVersion: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The text exactly as it was read.
  public let text: String

  /// Keeps the text, blanks at both ends taken off.
  public init(_ text: String) {
    self.text = text.trimmed
  }

  /// The text itself.
  public var description: String { text }

  /// Dotted decimal groups, as in Huawei's `21.157.06.00.264`; nil for any other shape.
  public var groups: [Int]? {
    var numbers: [Int] = []
    var number = 0
    var digits = 0
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39 where digits < 6:
        number = number * 10 + Int(byte - 0x30)
        digits += 1
      case 0x2e where digits > 0:
        numbers.append(number)
        (number, digits) = (0, 0)
      default: return nil
      }
    }
    guard digits > 0, !numbers.isEmpty else { return nil }
    numbers.append(number)
    return numbers
  }

  /// Whether this version is older than `other`; nil if the two cannot be compared.
  ///
  /// Missing groups at the end count as zero, so that `21.157.06.00` equals `21.157.06.00.00`.
  public func isOlder(than other: FirmwareVersion) -> Bool? {
    guard let mine = groups, let theirs = other.groups else { return nil }
    for index in 0..<max(mine.count, theirs.count) {
      let left = index < mine.count ? mine[index] : 0
      let right = index < theirs.count ? theirs[index] : 0
      if left != right { return left < right }
    }
    return false
  }

  /// Whether a device that reports `reported` runs this version: equal after normalisation, or
  /// one text is the other cut at a group border (update-safety.md section 7: some sticks report
  /// a shorter text than the file's).
  public func isConfirmed(by reported: FirmwareVersion) -> Bool {
    if text == reported.text { return true }
    guard let mine = groups, let theirs = reported.groups else { return false }
    let shorter = min(mine.count, theirs.count)
    return shorter >= 4 && mine.prefix(shorter) == theirs.prefix(shorter)
      && (mine.dropFirst(shorter) + theirs.dropFirst(shorter)).allSatisfy { $0 == 0 }
  }
}

/// The identity number of a stick: read, compared and masked, never written.
public struct IMEI: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// All fifteen digits. Only for computing and comparing; never for output.
  public let digits: String

  /// Takes fifteen decimal digits; nil for anything else.
  public init?(_ text: String) {
    // The usual text is fifteen digits and nothing else.
    let bytes = text.utf8
    let isBare = bytes.count == 15 && bytes.allSatisfy { (0x30...0x39).contains($0) }
    let kept = isBare ? text : text.filter { !$0.isWhitespace }
    guard kept.count == 15, kept.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    digits = kept
  }

  /// Whether the last digit is the Luhn check of the others.
  public var luhnIsGood: Bool {
    var sum = 0
    for (index, character) in digits.enumerated() {
      let digit = character.wholeNumberValue ?? 0
      let doubled = index.isMultiple(of: 2) ? digit : digit * 2
      sum += doubled / 10 + doubled % 10
    }
    return sum.isMultiple(of: 10)
  }

  /// Whether the digits look like lost identity data (all equal, as in all zeros).
  public var looksLost: Bool { digits.utf8.allSatisfy { $0 == digits.utf8.first } }

  /// Stars and the last four digits, as in `***********1234`.
  public var masked: String { String(repeating: "*", count: 11) + digits.suffix(4) }
  /// The masked form; there is no way to print the digits by accident.
  public var description: String { masked }
  /// The masked form.
  public var debugDescription: String { masked }
}

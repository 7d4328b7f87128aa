import SmithBytes

/// Numbers and layouts of the QDL messages (Docs/Protocols/sierra-qdl.md sections 2 and 3).
enum QDLMessage {
  static let helloResponse: UInt8 = 0x02
  static let error: UInt8 = 0x0d
  static let openResponse: UInt8 = 0x26
  static let writeResponse: UInt8 = 0x28
  static let doneResponse: UInt8 = 0x2a
  /// Asks a boot loader in DLOAD state to speak QDL.
  static let switchRequest: [UInt8] = [0x70, 0, 0]
  static let done: [UInt8] = [0x29]
  static let reset: [UInt8] = [0x2d]
  /// Error code by which a loader says that it has no such command.
  static let notSupported: UInt32 = 0x16
  /// Kinds that a loader sends in answer to something; a late one is not worth an alarm.
  static let answers: Set<UInt8> = [helloResponse, openResponse, writeResponse, doneResponse]

  static func hello(version: UInt8) -> [UInt8] {
    var bytes: [UInt8] = [0x01]
    bytes.append(text: "QCOM high speed protocol hst", width: 32)
    bytes += [version, version, 0x30]
    return bytes
  }

  static func open(_ image: QDLImage) -> [UInt8] {
    var bytes: [UInt8] = [0x25, image.type.rawValue]
    bytes.append(little: UInt32(image.header.count + image.size))
    bytes.append(1)
    bytes.append(little: UInt32(image.size))
    bytes.append(little: UInt16(0))
    return bytes + image.header
  }

  /// The thirteen bytes in front of a chunk: neither framed nor escaped.
  static func writeHeader(sequence: UInt16, count: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x27]
    bytes.append(little: sequence)
    bytes.append(little: UInt32(0))
    bytes.append(little: UInt32(count))
    bytes.append(little: CRC16X25.of(bytes))
    return bytes
  }
}

/// Answers, taken apart.
struct QDLAnswer {
  let body: [UInt8]
  var kind: UInt8 { body.first ?? 0 }

  func little16(_ offset: Int) -> UInt16? {
    guard offset + 2 <= body.count else { return nil }
    return UInt16(body[offset]) | UInt16(body[offset + 1]) << 8
  }

  func little32(_ offset: Int) -> UInt32? {
    guard let low = little16(offset), let high = little16(offset + 2) else { return nil }
    return UInt32(low) | UInt32(high) << 16
  }

  /// Text after a fixed part; loaders may send it, most do not.
  func text(after offset: Int) -> String {
    String(printable: Array(body.dropFirst(offset)))
  }

  /// A DLOAD acknowledge has one byte; a hello response begins with the same byte.
  var isDLOADAcknowledge: Bool { body == [QDLMessage.helloResponse] }
  var isHello: Bool { kind == QDLMessage.helloResponse && body.count == 49 }
}

/// Words for the status numbers of open, write and done answers and of error messages
/// (Docs/Protocols/sierra-qdl.md section 5).
public enum QDLWords {
  /// What an open status means.
  public static func open(_ status: UInt16) -> String {
    let words = [
      "ok", "bad size", "bad type", "bad header size", "header not wanted", "header missing",
      "protection violation", "not needed",
    ]
    return status < words.count ? words[Int(status)] : vendor(status)
  }

  /// What a write status means.
  public static func write(_ status: UInt16) -> String {
    switch status {
    case 0: "ok"
    case 1: "CRC error"
    case 2: "bad content"
    default: vendor(status)
    }
  }

  /// What a done status, or any status from 80 on, means.
  public static func vendor(_ status: UInt16) -> String {
    switch status {
    case 0: "ok"
    case 1: "authentication failed"
    case 2: "flash could not be written"
    case 0x80...0x94: vendorWords[Int(status) - 0x80]
    default: "unknown status"
    }
  }

  /// What the code of an error message means.
  public static func error(_ code: UInt32) -> String {
    code < errorWords.count ? errorWords[Int(code)] : "unknown error"
  }

  private static let vendorWords = [
    "image type not accepted", "image is for another product", "size does not match",
    "size out of range", "does not fit the application on the stick",
    "does not fit the boot loader on the stick", "does not fit the package on the stick",
    "signature refused", "flash could not be read", "CRC-32 wrong", "CRC-16 wrong",
    "header wrong", "could not be decompressed", "memory map wrong", "could not be decrypted",
    "unspecified error", "no such slot", "secure boot refused (1)", "secure boot refused (2)",
    "secure boot refused (3)", "secure boot refused (4)",
  ]

  private static let errorWords = [
    "no error", "reserved", "bad address", "bad length", "packet ended early",
    "command not valid", "reserved", "operation failed", "wrong flash chip",
    "bad programming voltage", "write not verified", "reserved", "wrong security code",
    "power down failed", "NAND not supported", "out of sequence", "could not be closed",
    "bad feature bits", "out of space", "wrong security mode", "multi-image NAND not supported",
    "power off not supported", "command not supported", "bad CRC", "wrong state",
    "time ran out while receiving", "image not authentic",
  ]
}

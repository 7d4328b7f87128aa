import SmithBytes
import SmithLink
import SmithModel

/// Numbers and layouts of USB/IP (Docs/Protocols/usbip.md sections 1 and 2).
enum USBIPWire {
  static let version: UInt16 = 0x0111
  static let requestList: UInt16 = 0x8005
  static let replyList: UInt16 = 0x0005
  static let requestImport: UInt16 = 0x8003
  static let replyImport: UInt16 = 0x0003
  static let greetingSize = 8
  static let importSize = 40
  static let headerSize = 48
  static let deviceSize = 312

  static let submit: UInt32 = 1
  static let unlink: UInt32 = 2
  static let submitted: UInt32 = 3
  static let unlinked: UInt32 = 4

  /// Why an import is refused.
  enum Refusal: UInt32 {
    case busy = 2
    case noSuchDevice = 4
    case error = 5
  }

  static let stalled: Int32 = -32
  static let wasUnlinked: Int32 = -104
  static let notSupported: Int32 = -22

  /// One block of the list of devices, 312 bytes, without interfaces.
  static func device(_ face: USBFace, busid: String, number: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(text: "/sys/devices/modemsmith/\(busid)", width: 256)
    bytes.append(text: busid, width: 32)
    bytes.append(big: UInt32(1))
    bytes.append(big: UInt32(clamping: number))
    bytes.append(big: face.speed.rawValue)
    bytes.append(big: face.id.vendor)
    bytes.append(big: face.id.product)
    bytes.append(big: face.release)
    bytes += [face.kind.class, face.kind.subclass, face.kind.protocol]
    return bytes
      + [face.configuration, face.configurations, UInt8(clamping: face.interfaces.count)]
  }

  static func greeting(_ code: UInt16, status: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(big: version)
    bytes.append(big: code)
    bytes.append(big: status)
    return bytes
  }
}

/// What a host asks of an attached device: the first 48 bytes of each message.
struct USBIPHeader {
  let command: UInt32
  let sequence: UInt32
  let isIn: Bool
  let endpoint: UInt32
  /// SUBMIT: length of the transfer. UNLINK: the sequence number of the victim.
  let length: Int
  let victim: UInt32
  /// Packets of an isochronous transfer; 0 for all others.
  let packets: Int
  let request: USBRequest

  /// Most bytes of one transfer; the kernel never asks for more than a few MiB.
  static let lengthLimit = 16 << 20
  static let packetLimit = 1024

  /// Reads a header; nil if it is none or asks for more than anybody would.
  init?(_ bytes: [UInt8], at start: Int) {
    func big(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[start + place + $1]) }
    }
    func little(_ place: Int) -> UInt16 {
      UInt16(bytes[start + place]) | UInt16(bytes[start + place + 1]) << 8
    }
    guard start >= 0, bytes.count - start >= USBIPWire.headerSize else { return nil }
    command = big(0)
    sequence = big(4)
    isIn = big(12) != 0
    endpoint = big(16)
    victim = big(20)
    guard command == USBIPWire.submit || command == USBIPWire.unlink, endpoint < 16 else {
      return nil
    }
    let isSubmit = command == USBIPWire.submit
    length = isSubmit ? Int(big(24)) : 0
    // The description says all ones where there are no packets; the kernel says 0.
    packets = isSubmit && big(32) != .max ? Int(big(32)) : 0
    guard length <= Self.lengthLimit, packets <= Self.packetLimit else { return nil }
    request = USBRequest(
      type: bytes[start + 40], request: bytes[start + 41], value: little(42), index: little(44),
      length: little(46))
  }

  /// Bytes that follow the header.
  var payload: Int { (isIn ? 0 : length) + packets * 16 }

  /// An answer to a transfer: header, then what an IN transfer brought.
  static func submitted(
    _ sequence: UInt32, status: Int32, length: Int, data: ArraySlice<UInt8> = [],
    into out: inout [UInt8]
  ) {
    out.reserveCapacity(out.count + 48 + data.count)
    out.append(big: USBIPWire.submitted)
    out.append(big: sequence)
    out.append(contentsOf: repeatElement(0, count: 12))
    out.append(big: status)
    out.append(big: UInt32(clamping: length))
    out.append(contentsOf: repeatElement(0, count: 20))
    out.append(contentsOf: data)
  }

  /// An answer to UNLINK.
  static func unlinked(_ sequence: UInt32, status: Int32, into out: inout [UInt8]) {
    out.append(big: USBIPWire.unlinked)
    out.append(big: sequence)
    out.append(contentsOf: repeatElement(0, count: 12))
    out.append(big: status)
    out.append(contentsOf: repeatElement(0, count: 24))
  }
}

import Glibc
import SmithModel
import SmithPorts

/// What is read of devices and of the system: descriptors, mode-switch entries and their archive,
/// udev rules, announcements of the kernel. The first byte chooses which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUSB(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  let rest = [UInt8](bytes.dropFirst())
  switch choice % 5 {
  case 0:
    let settings = UsbDescriptors(rest)?.configurations.flatMap(\.settings) ?? []
    precondition(settings.count * 9 <= rest.count, "more interfaces than bytes")
  case 1:
    let config = SwitchConfig(source: "12d1:1446", text: String(decoding: rest, as: UTF8.self))
    if let recipe = try? SwitchRecipe(config) {
      precondition(recipe.limit <= .seconds(120), "a wait without a bound")
    }
    _ = config.targets
  case 2:
    var rules = UdevRules()
    rules.add(String(decoding: rest, as: UTF8.self))
    _ = rules.environment(of: subject)
  case 3:
    var data = SwitchData()
    data.add(archive: rest)
    data.add(archive: gzip(Array(rest.prefix(0xffff))))
    precondition(data.count * 512 <= 16 << 20, "more entries than bytes")
  default:
    _ = UsbEvent(rest)?.place
    _ = PortProbe.portMode([String(decoding: rest, as: UTF8.self)])
  }
  return 0
}

private let interface = UsbInterface(
  number: 2, triple: UsbTriple(0xff, 2, 0x12), driver: "option",
  nodes: [UsbNode(kind: .tty, name: "ttyUSB2")])

private let subject = UdevSubject(
  UsbNode(kind: .tty, name: "ttyUSB2"), of: interface,
  of: UsbDevice(place: "1-2", path: "/x", id: USBID(0x12d1, 0x1506), interfaces: [interface]))

/// Wraps bytes as they are in gzip, so that what stands behind its CRC is reached.
private func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var crc: UInt32 = 0xffff_ffff
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
  }
  func little(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  let size = UInt32(bytes.count)
  return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(size, 2) + little(~size, 2) + bytes
    + little(~crc, 4) + little(size, 4)
}

/// Writes a tar archive with one entry into the folder `SMITH_FUZZ_SEEDS`: no input would ever
/// grow to the 512 bytes of its header by chance.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzUSBSeeds(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = getenv("SMITH_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
  let text = [UInt8]("TargetVendor=0x12d1\nTargetProduct=0x1506\nHuaweiNewMode=1\n".utf8)
  var header = [UInt8](repeating: 0, count: 512)
  func put(_ text: String, at offset: Int) {
    header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
  }
  let octal = String(text.count, radix: 8)
  put("12d1:1446", at: 0)
  put("0000644", at: 100)
  put(String(repeating: "0", count: 11 - octal.count) + octal, at: 124)
  put("        0", at: 148)
  put("ustar", at: 257)
  put("00", at: 263)
  let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
  put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
  let padding = [UInt8](repeating: 0, count: 512 - text.count + 1024)
  for (name, input) in [("archive", [3] + header + text + padding), ("entry", [1] + text)] {
    guard let stream = fopen("\(folder)/\(name)", "w") else { continue }
    fwrite(input, 1, input.count, stream)
    fclose(stream)
  }
  return 0
}

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

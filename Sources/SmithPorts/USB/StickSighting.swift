public import SmithModel

/// One thing that can be done with a stick in the state that it seems to be in.
public struct NextAction: Hashable, Sendable, Codable {
  /// What it does, in words.
  public var words: String
  /// The command or address; nil for something done by hand.
  public var command: String?

  /// Gathers the parts.
  public init(_ words: String, _ command: String? = nil) {
    self.words = words
    self.command = command
  }
}

/// A stick as it is seen from outside, without a byte sent to it.
public struct StickSighting: Hashable, Sendable, Codable {
  /// The device.
  public var device: UsbDevice
  /// What it is called.
  public var name: String
  /// What it looks like.
  public var state: UsbState
  /// What it may be as well; asking it tells.
  public var orState: UsbState?
  /// Why it looks so, in words.
  public var reason: String
  /// Its serial ports.
  public var ports: [RoledPort]
  /// What can be done next, the most useful first.
  public var next: [NextAction]

  /// Where it is.
  public var place: Place { .usb(device.place) }
}

extension UsbKnowledge {
  /// Every stick on USB in every state, by place; mice and hubs are left out.
  public func sticks(on usb: SysfsUSB) -> [StickSighting] {
    usb.devices().compactMap { sighting(of: $0) }
  }

  /// What a device looks like (Docs/Protocols/usb-modes.md section 5); nil if it is no stick.
  public func sighting(of device: UsbDevice) -> StickSighting? {
    let entry = entry(device.id)
    guard entry != nil || isModemMaker(device.id.vendor) || hasModemDriver(device) else {
      return nil
    }
    let (state, reason) = state(of: device, entry)
    let other = state == entry?.state ? entry?.orState : nil
    if state == .unknown, entry == nil, !hasModemDriver(device), !hasStorage(device) { return nil }
    let known = entry?.name ?? device.product ?? "unknown device"
    return StickSighting(
      device: device, name: known, state: state, orState: other, reason: reason,
      ports: ports(of: device), next: Self.actions(state, other, device, entry))
  }

  private static let serialDrivers: Set<String> = [
    "option", "option1", "qcserial", "sierra", "qcaux", "hso", "usb_serial_simple", "cdc_acm",
    "usbserial_generic",
  ]
  private static let networkDrivers: Set<String> = [
    "cdc_ether", "cdc_ncm", "huawei_cdc_ncm", "rndis_host", "qmi_wwan", "cdc_mbim", "sierra_net",
  ]

  private func hasModemDriver(_ device: UsbDevice) -> Bool {
    device.interfaces.contains { interface in
      ["option", "option1", "qcserial", "sierra", "hso", "qmi_wwan", "cdc_mbim", "sierra_net"]
        .contains(interface.driver ?? "")
    }
  }

  private func hasStorage(_ device: UsbDevice) -> Bool {
    device.interfaces.contains { $0.triple.kind == 8 }
  }

  private func state(of device: UsbDevice, _ entry: UsbEntry?) -> (UsbState, String) {
    if entry?.state == .dead { return (.dead, "this id stands for a crashed chip") }
    if device.interfaces.isEmpty {
      // An unconfigured stick may come back by itself; one that says nothing will not.
      return (
        .dead,
        device.configuration == nil ? "no configuration is active" : "it shows no interface"
      )
    }
    if InterfaceRoles.looksLikeLoader(device) {
      return (.qdl, "one interface with one pair of endpoints")
    }
    let serial = device.interfaces.filter(isSerial)
    let network = device.interfaces.filter(isNetwork)
    let storage = device.interfaces.filter { $0.triple.kind == 8 }
    if let state = entry?.state, [.bootROM, .edl, .qdl].contains(state) {
      return (state, "this id")
    }
    if serial.isEmpty, network.isEmpty, !storage.isEmpty {
      return (.fakeCD, "nothing but a drive")
    }
    if let state = entry?.state, state == .download, !serial.isEmpty { return (state, "this id") }
    if serial.isEmpty, !network.isEmpty { return (.networkCard, "network interface, no serial") }
    if !serial.isEmpty { return (.modem, "\(serial.count) serial interface(s)") }
    return (.unknown, "no interface that we know")
  }

  private func isSerial(_ interface: UsbInterface) -> Bool {
    if interface.nodes.contains(where: { $0.kind == .tty }) { return true }
    if let driver = interface.driver {
      if Self.serialDrivers.contains(driver) { return true }
      if Self.networkDrivers.contains(driver) { return false }
    }
    // No driver, vendor's class, both directions: a serial port whose id the driver lacks.
    let hasPair =
      interface.endpoints.contains { $0.isBulk && $0.isIn }
      && interface.endpoints.contains { $0.isBulk && !$0.isIn }
    let isDebugBridge = interface.triple == UsbTriple(0xff, 0x42, 0x01)
    return interface.triple.kind == 0xff && hasPair && !isDebugBridge
  }

  private func isNetwork(_ interface: UsbInterface) -> Bool {
    if interface.nodes.contains(where: { $0.kind == .net || $0.kind == .control }) { return true }
    if Self.networkDrivers.contains(interface.driver ?? "") { return true }
    let triple = interface.triple
    // Ethernet, NCM and MBIM control models, and the two that RNDIS is known by.
    return triple.kind == 0x02 && [0x06, 0x0d, 0x0e].contains(triple.subclass)
      || triple == UsbTriple(0xe0, 0x01, 0x03) || triple == UsbTriple(0x02, 0x02, 0xff)
  }

  private static func actions(
    _ state: UsbState, _ other: UsbState?, _ device: UsbDevice, _ entry: UsbEntry?
  ) -> [NextAction] {
    let at = "--place \(device.place)"
    switch state {
    case .fakeCD:
      return [NextAction("make a modem of it", "modemsmith switch \(at)")]
    case .modem:
      return [
        NextAction("see what it runs", "modemsmith info \(at)"),
        NextAction("update it", "modemsmith update FILE \(at)"),
      ]
    case .networkCard:
      let page = entry?.page ?? "http://192.168.8.1/"
      return [
        NextAction("open its web page", page),
        NextAction("see what it runs", "modemsmith info \(at)"),
      ]
    case .download:
      let first = NextAction("ask whether it waits for an update", "modemsmith info \(at)")
      return [first, NextAction("go on with the update", "modemsmith resume \(at)")]
    case .qdl:
      return [NextAction("go on with the update", "modemsmith resume \(at)")]
    case .bootROM, .edl:
      return [NextAction("bring it back to life", "modemsmith rescue \(at)")]
    case .dead:
      return [
        NextAction("unplug it, wait ten seconds, plug it straight into the computer"),
        NextAction("see what is in the way", "modemsmith doctor"),
      ]
    case .unknown:
      return [NextAction("see what is in the way", "modemsmith doctor")]
    }
  }
}

public import SmithLink
import SmithModel

/// USB sides of the Balong sticks (Docs/Protocols/usbip.md section 4).
extension HuaweiBalongStick: USBDescribed {
  /// Descriptors of the present face.
  public var usbDescription: USBDescription? {
    guard let face else { return nil }
    var device = USBDescription(
      face.id, manufacturer: "HUAWEI Technology", product: "HUAWEI Mobile",
      serial: mode == .normal ? "0123456789ABCDEF" : "")
    switch mode {
    case .normal:
      let shown = serialPorts.filter { face.ports.contains($0.role) }
      for (index, port) in shown.enumerated() {
        device.addBulkPair(
          USBFace.Kind(0xff, 2, UInt8(port.number, radix: 16) ?? 0xff), number: port.interface,
          name: Self.interfaceName(port.role), use: .serial(index),
          interrupt: port.role == .modem)
      }
    case .download:
      // HiLink builds: the port, then a disc. Stick builds: a shell, a disc, the port.
      for (index, role) in face.ports.enumerated() {
        if index == 1 {
          device.addBulkPair(USBFace.Kind(8, 6, 0x50), name: "Mass Storage", use: .idle)
        }
        let code: UInt8 = role == .download ? 0x12 : 0x18
        device.addBulkPair(
          USBFace.Kind(0xff, 2, code), name: Self.interfaceName(role), use: .serial(index))
      }
    case .bootROM:
      device.texts[1] = "HUAWEI Mobile Connect"
      device.addBulkPair(USBFace.Kind(0xff, 0xff, 0xff), use: .serial(0))
    }
    return device
  }

  /// The disc of a stick whose firmware runs.
  public var usbDisc: USBDiscFace? {
    guard mode == .normal, face != nil else { return nil }
    let id: UInt16 = personality.monitor == .v3r3 ? 0x15ca : 0x14fe
    return USBDiscFace(
      description: USBDescription(
        USBID(0x12d1, id), manufacturer: "HUAWEI Technology", product: "HUAWEI Mobile",
        serial: "0123456789ABCDEF"),
      vendor: "HUAWEI", model: "Mass Storage",
      image: DiscImage.mobilePartner(label: "MOBILE_PARTNER"), triggers: [.huawei, .eject])
  }

  private static func interfaceName(_ role: PortRole) -> String {
    switch role {
    case .at, .download: "HUAWEI Mobile Connect - PC UI"
    case .modem: "HUAWEI Mobile Connect - Modem"
    case .diag: "HUAWEI Mobile Connect - Diagnostic"
    case .gps: "HUAWEI Mobile Connect - GPS"
    case .bootROM, .unknown: "HUAWEI Mobile Connect - Control"
    }
  }
}

extension StickFace {
  /// A description with one vendor interface for each port, numbered as `numbers` says.
  fileprivate func vendorDescription(
    manufacturer: String, product: String, serial: String = "", numbers: [Int]? = nil
  ) -> USBDescription {
    var device = USBDescription(
      id, manufacturer: manufacturer, product: product, serial: serial)
    for index in ports.indices {
      let number = numbers.flatMap { $0.indices.contains(index) ? $0[index] : nil }
      device.addBulkPair(
        USBFace.Kind(0xff, 0xff, 0xff), number: number, use: .serial(index),
        interrupt: ports[index] == .modem)
    }
    return device
  }
}

extension HuaweiQualcommStick: USBDescribed {
  /// Descriptors of the present face: every interface FF/FF/FF, in the classic order; the loader's
  /// id is not known, so it keeps the firmware's [D].
  public var usbDescription: USBDescription? {
    face?.vendorDescription(manufacturer: "HUAWEI Technologies", product: "HUAWEI Mobile")
  }

  /// The disc with the dashboard.
  public var usbDisc: USBDiscFace? {
    guard mode == .normal else { return nil }
    let id: UInt16 =
      switch options.id.product {
      case 0x1003: 0x1003
      case 0x1444: 0x1449
      default: 0x1446
      }
    return USBDiscFace(
      description: USBDescription(
        USBID(0x12d1, id), manufacturer: "HUAWEI Technologies", product: "HUAWEI Mobile"),
      vendor: "HUAWEI", model: "Mass Storage",
      image: DiscImage.mobilePartner(label: "MOBILE_PARTNER"),
      triggers: [id == 0x1003 ? .feature : .huawei, .eject])
  }
}

extension QualcommBody: USBDescribed {
  /// Descriptors of the present face.
  public var usbDescription: USBDescription? {
    guard let face else { return nil }
    if face.id.vendor == 0x05c6 {
      return face.vendorDescription(manufacturer: "Qualcomm, Incorporated", product: "QHSUSB_DLOAD")
    }
    return face.vendorDescription(
      manufacturer: "ZTE,Incorporated", product: "ZTE WCDMA Technologies MSM",
      serial: "P671A1ZTED010000")
  }

  /// The disc of a ZTE stick.
  public var usbDisc: USBDiscFace? {
    guard phase == .application else { return nil }
    return .zte(0x2000)
  }
}

extension QualcommLTEBody: USBDescribed {
  /// Descriptors of the present face.
  public var usbDescription: USBDescription? {
    guard let face else { return nil }
    guard phase == .application else {
      return face.vendorDescription(
        manufacturer: "Qualcomm CDMA Technologies MSM", product: "QHSUSB__BULK")
    }
    return face.vendorDescription(
      manufacturer: "ZTE,Incorporated", product: "ZTE LTE Technologies MSM",
      serial: "1234567890ABCDEF")
  }

  /// A boot ROM greets whoever opens it; what it said at power-up nobody has heard.
  public func greeting(at now: Duration) -> [Emission] { greetingAgain(at: now) }

  /// The disc of a ZTE stick.
  public var usbDisc: USBDiscFace? {
    guard phase == .application else { return nil }
    return .zte(0x1225)
  }
}

extension USBDiscFace {
  fileprivate static func zte(_ product: UInt16) -> USBDiscFace {
    USBDiscFace(
      description: USBDescription(
        USBID(0x19d2, product), manufacturer: "ZTE,Incorporated",
        product: "ZTE WCDMA Technologies MSM", serial: "1234567890ABCDEF"),
      vendor: "ZTE", model: "USB SCSI CD-ROM", image: DiscImage.mobilePartner(label: "JOIN_AIR"),
      triggers: [.zte, .eject])
  }
}

extension SierraStick {
  /// The stick after an update that went wrong: it starts in its loader and waits there.
  public mutating func loseApplication() { flash.application = nil }
}

extension SierraStick: USBDescribed {
  /// Descriptors of the present face.
  public var usbDescription: USBDescription? {
    guard let face else { return nil }
    let maker = "Sierra Wireless, Incorporated"
    guard mode == .application else {
      return face.vendorDescription(manufacturer: maker, product: "QDL")
    }
    // Numbers by what the port is for; the 3G sticks count from zero.
    let numbers: [Int]? =
      switch face.id.product {
      case 0x9001: [1, 2, 3]
      case 0x68a2, 0x68c0, 0x81b6, 0x9041...0x9091:
        face.ports.map { [.diag: 0, .gps: 2, .at: 3][$0] ?? 4 }
      default: nil
      }
    return face.vendorDescription(
      manufacturer: maker, product: personality.model, serial: "0123456789ABCDE",
      numbers: numbers)
  }

  /// The installer disc, which only the cards of the 3G time have.
  public var usbDisc: USBDiscFace? {
    guard mode == .application, ["AC881U", "USB 306", "USB 308"].contains(personality.model) else {
      return nil
    }
    return USBDiscFace(
      description: USBDescription(
        USBID(0x1199, 0x0fff), manufacturer: "Sierra Wireless, Inc.", product: "USB MMC Storage",
        serial: "SWOC22905731"),
      vendor: "Sierra", model: "TRU-Install", image: DiscImage.mobilePartner(label: "TRU_INSTALL"),
      triggers: [.sierra])
  }
}

import SmithModel
import SmithProtocols
import SmithVendors

extension BalongState {
  /// The state as `info` names it.
  var word: String {
    switch self {
    case .download, .downloadAT: "download"
    case .normal: "normal"
    case .diag: "diagnostic"
    case .bootROM: "boot-rom"
    case .silent: "silent"
    }
  }
}

extension DeviceReport {
  /// The stick as an object of the JSON contract; identity masked unless the owner asked.
  func json(place: Place?, showIdentity: Bool) -> JSONValue {
    .object([
      "vendor": .text(vendor), "model": .text(model), "manufacturer": .text(manufacturer),
      "firmware": .text(firmware), "hardware": .text(hardware), "dashboard": .text(dashboard),
      "web_interface": .text(webInterface),
      "imei": .text(showIdentity ? imei?.digits : imei?.masked),
      "serial": .text(showIdentity ? serial : maskedSerial), "chipset": .text(chipset),
      "mode": .text(mode), "ports": .array(portRoles.map { .string($0) }),
      "product_id": .text(productID), "customer_code": .text(customerCode),
      "compile_date": .text(compileDate), "evidence": .text(evidence),
      "sim_lock": .object([
        "status": .text(simLock?.status.word), "tries_left": simLock?.triesLeft.map { .integer($0) } ?? .null,
      ]), "place": .text(place),
      "registration": .text(registration), "signal": .text(signal), "network": .text(network),
      "band": .text(band), "temperature": .text(temperature), "voice": .text(voice),
      "flash_chip": .text(flashChip),
    ])
  }

  private var maskedSerial: String? {
    serial.map { String(repeating: "*", count: max(0, $0.count - 4)) + $0.suffix(4) }
  }

  /// The stick as lines for people.
  func show(place: Place, showIdentity: Bool) {
    let rows: [(String, String?)] = [
      ("place", place.description), ("vendor", vendor), ("manufacturer", manufacturer),
      ("model", model), ("mode", mode), ("firmware", firmware?.text), ("compiled", compileDate),
      ("hardware", hardware), ("dashboard", dashboard), ("web page", webInterface),
      ("chipset", chipset), ("product id", productID), ("customer", customerCode),
      ("flash chip", flashChip), ("voice", voice),
      ("IMEI", showIdentity ? imei?.digits : imei?.masked),
      ("serial", showIdentity ? serial : maskedSerial),
      ("SIM lock", simLock.map { lock in
        lock.status.word + (lock.triesLeft.map { ", \($0) tries left" } ?? "")
      }),
      ("ports", portRoles.isEmpty ? nil : portRoles.joined(separator: ", ")),
      ("network", network), ("registered", registration), ("signal", signal), ("band", band),
      ("temperature", temperature), ("evidence", evidence),
    ]
    for (name, value) in rows {
      guard let value else { continue }
      Output.line(Output.paint(name.padded(to: 13), .faint) + value)
    }
    if identityDamaged {
      Output.line("! The stick cannot tell its IMEI: its identity data may be damaged.")
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

import SmithModel
import SmithVendors

/// A stick as people and programs are shown it; identity masked unless the owner asked.
struct ShownDevice {
  let report: DeviceReport
  let mode: String?
  let place: Place?
  let showIdentity: Bool
  /// Whether the stick's page told all this.
  var overPage = false

  private var door: FrontDoor { FrontDoor(report, overPage: overPage) }

  private var imei: String? { showIdentity ? report.imei?.digits : report.imei?.masked }

  private var serial: String? {
    guard let serial = report.serial, !showIdentity else { return report.serial }
    return String(repeating: "*", count: max(0, serial.count - 4)) + serial.suffix(4)
  }

  /// What the support of this stick rests on; nil for sticks that no route serves.
  private var evidence: String? {
    let catalogue = DeviceCatalogue.huaweiBalong
    let isKnown = !catalogue.products(model: report.model, hardware: report.hardware).isEmpty
    return isKnown ? catalogue.evidence : nil
  }

  /// The stick as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "vendor": .text(report.vendor), "model": .text(report.model),
      "manufacturer": .text(report.manufacturer), "firmware": .text(report.firmware),
      "hardware": .text(report.hardware), "dashboard": .text(report.dashboard),
      "web_interface": .text(report.webInterface), "imei": .text(imei), "serial": .text(serial),
      "chipset": .text(report.chipset), "world": .string(report.world.rawValue),
      "mode": .text(mode ?? report.mode?.rawValue),
      "ports": .array(
        report.portRoles.map {
          .object([
            "name": .string($0.name), "interface": .integer($0.number),
            "role": .string($0.role.rawValue),
          ])
        }),
      "product_id": .text(report.productID), "customer_code": .text(report.customerCode),
      "compile_date": .text(report.compileDate),
      "sim_lock": .object([
        "status": .text(report.simLock?.status.rawValue),
        "tries_left": report.simLock?.triesLeft.map { .integer($0) } ?? .null,
      ]),
      "sim": .text(report.simState), "registration": .text(report.registration?.rawValue),
      "signal_dbm": report.signal.map { .integer($0.dBm) } ?? .null,
      "network": .text(report.network), "band": .text(report.band),
      "temperature": .text(report.temperature), "voice": .text(report.voice),
      "flash_chip": .text(report.flashChip), "identity_damaged": .bool(report.identityDamaged),
      "evidence": .text(evidence), "place": .text(place),
      "way": .string(door.way.rawValue), "way_advice": .string(door.advice),
    ])
  }

  /// The stick as lines for people.
  func show() {
    let lock = report.simLock.map { lock in
      lock.status.rawValue + (lock.triesLeft.map { ", \($0) tries left" } ?? "")
    }
    let ports = report.portRoles.map { "\($0.name) (\($0.role.rawValue))" }
    let rows: [(String, String?)] = [
      ("place", place?.description), ("vendor", report.vendor),
      ("manufacturer", report.manufacturer), ("model", report.model),
      ("mode", mode ?? report.mode?.rawValue), ("firmware", report.firmware?.text),
      ("compiled", report.compileDate), ("hardware", report.hardware),
      ("dashboard", report.dashboard), ("web page", report.webInterface),
      ("chipset", report.chipset), ("product id", report.productID),
      ("customer", report.customerCode), ("flash chip", report.flashChip),
      ("voice", report.voice), ("IMEI", imei), ("serial", serial), ("SIM lock", lock),
      ("SIM", report.simState), ("ports", ports.isEmpty ? nil : ports.joined(separator: ", ")),
      ("network", report.network), ("registered", report.registration?.rawValue),
      ("signal", report.signal.map { "\($0.dBm) dBm" }), ("band", report.band),
      ("temperature", report.temperature), ("evidence", evidence),
      ("updated by", door.advice),
    ]
    for (name, value) in rows {
      guard let value else { continue }
      let padding = String(repeating: " ", count: 13 - name.count)
      Output.line(Output.paint(name + padding, .faint) + value)
    }
    if report.identityDamaged {
      Output.line("! The stick cannot tell its IMEI: its identity data may be damaged.")
    }
  }
}

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

  private var door: FrontDoor {
    FrontDoor.waiting(in: mode, vendor: report.vendor) ?? FrontDoor(report, overPage: overPage)
  }

  private var imei: String? { showIdentity ? report.imei?.digits : report.imei?.masked }

  private var serial: String? {
    guard let serial = report.serial, !showIdentity else { return report.serial }
    return String(repeating: "*", count: max(0, serial.count - 4)) + serial.suffix(4)
  }

  private var sheet: ModelSheet? { ModelSheet.fitting(report)?.sheet }

  /// What the support of this stick rests on; nil for sticks that no sheet knows.
  private var evidence: String? {
    if let sheet { return sheet.evidence }
    return report.vendor == "huawei" ? nil : Families.speaking(as: report.vendor)?.evidence
  }

  /// The stick as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "vendor": .text(report.vendor), "model": .text(report.model),
      "manufacturer": .text(report.manufacturer), "firmware": .text(report.firmware),
      "hardware": .text(report.hardware), "dashboard": .text(report.dashboard),
      "web_interface": .text(report.webInterface), "imei": .text(imei), "serial": .text(serial),
      "chipset": .text(report.chipset), "world": .string(report.world.rawValue),
      "world_evidence": .array(report.worldEvidence.map { .string($0) }),
      "mode": .text(mode ?? report.mode?.rawValue),
      "ports": .array(
        report.portRoles.map {
          .object([
            "name": .string($0.name), "interface": .integer($0.number),
            "role": .string($0.role.rawValue),
          ])
        }),
      "product_id": .text(report.productID), "customer_code": .text(report.customerCode),
      "compile_date": .text(report.compileDate), "build": .text(report.revision),
      "sim_lock": report.simLock?.json
        ?? .object(["status": .null, "tries_left": .null, "wrong_codes": .null]),
      "sim": .text(report.simState), "registration": .text(report.registration?.rawValue),
      "signal_dbm": report.signal.map { .integer($0.dBm) } ?? .null,
      "network": .text(report.network), "technology": .text(report.technology),
      "band": .text(report.band),
      "temperature": .text(report.temperature), "voice": .text(report.voice),
      "flash_chip": .text(report.flashChip), "identity_damaged": .bool(report.identityDamaged),
      "carrier": .text(report.carrier), "carrier_settings": .text(report.carrierSettings),
      "remark": .text(report.evidence),
      "complaints": .array(report.complaints.map { .string($0) }),
      "notes": .array((sheet?.quirks ?? []).map { .string($0) }),
      "evidence": .text(evidence), "place": .text(place),
      "way": .string(door.way.rawValue), "way_advice": .string(door.advice),
    ])
  }

  /// The stick as lines for people.
  func show() {
    let ports = report.portRoles.map { "\($0.name) (\($0.role.rawValue))" }
    let lock = report.simLock
    // The fields that owners know from other tools are shown even where the stick is silent.
    let always: [(String, String?)] = [
      ("model", report.model), ("IMEI", imei), ("serial", serial),
      ("firmware", report.firmware?.text), ("compiled", report.compileDate),
      ("hardware", report.hardware), ("dashboard", report.dashboard ?? report.webInterface),
      ("chipset", report.chipset), ("flash chip", report.flashChip), ("voice", report.voice),
      ("SIM lock", lock?.status.words), ("wrong codes", lock?.wrongCodes.map(String.init)),
      ("tries left", lock?.triesLeft.map(String.init)),
    ]
    let whereTold: [(String, String?)] = [
      ("place", place?.description), ("vendor", report.vendor),
      ("manufacturer", report.manufacturer), ("mode", mode ?? report.mode?.rawValue),
      ("platform", report.world == .unknown ? nil : report.world.words),
      ("build", report.firmware == nil ? report.revision : nil),
      ("web page", report.dashboard == nil ? nil : report.webInterface),
      ("product id", report.productID), ("customer", report.customerCode),
      ("ports", ports.isEmpty ? nil : ports.joined(separator: ", ")), ("SIM", report.simState),
      ("carrier", report.carrier), ("settings", report.carrierSettings),
      ("network", report.network), ("registered", report.registration?.rawValue),
      ("signal", report.signal.map { "\($0.dBm) dBm" }), ("technology", report.technology),
      ("band", report.band), ("temperature", report.temperature), ("evidence", evidence),
      ("updated by", door.advice),
    ]
    // One that runs no firmware cannot be asked for them.
    let isWaiting = FrontDoor.waiting(in: mode) != nil
    for (name, value) in always where value != nil || !isWaiting {
      row(name, value ?? "not told")
    }
    for (name, value) in whereTold {
      if let value { row(name, value) }
    }
    for complaint in report.complaints { Output.line("! The stick says: \(complaint).") }
    if let remark = report.evidence { Output.line("! \(remark)") }
    for reason in report.worldEvidence { Output.line("  platform because: \(reason)") }
    for quirk in sheet?.quirks ?? [] { Output.line("  note: \(quirk)") }
    if report.identityDamaged {
      Output.line("! The stick cannot tell its IMEI: its identity data may be damaged.")
    }
  }

  private func row(_ name: String, _ value: String) {
    let padding = String(repeating: " ", count: max(1, 13 - name.count))
    Output.line(Output.paint(name + padding, .faint) + value)
  }
}

extension DeviceReport.World {
  /// For people.
  var words: String {
    switch self {
    case .qualcomm: "Qualcomm"
    case .balongStick: "HiSilicon Balong, stick firmware"
    case .balongHiLink: "HiSilicon Balong, HiLink firmware with a web page"
    case .unknown: "unknown"
    }
  }
}

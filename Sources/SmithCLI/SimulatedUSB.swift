import Foundation
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

/// The sticks that `sim --usbip` serves: those of `sim`, and those that need a real bus.
enum SimulatedUSB {
  /// Names beside those of ``SimulatedModels``.
  static var furtherNames: [String] {
    ["huawei-hilink", "zte-mf667", "zte-mf823", "qualcomm-edl", "qualcomm-lte-edl"]
      + SierraPersonality.all.flatMap { ["sierra-\($0.name)", "sierra-\($0.name)-qdl"] }
  }

  /// A stick of that name, without power.
  ///
  /// - Throws: `usage.unknown-model`.
  static func stick(
    _ name: String, firmware: String?, options switches: SimulatedModels.Switches,
    disc: USBStick<HuaweiBalongStick>.DiscHabit, restoring keeper: SimulatedFlashKeeper?
  ) throws(Trouble) -> any USBStickBody {
    if let stick = other(name, firmware, disc.rawValue) { return stick }
    if name.hasPrefix("sierra-") {
      let isQDL = name.hasSuffix("-qdl")
      let model = name.dropFirst(7).dropLast(isQDL ? 4 : 0)
      if let found = SierraPersonality.all.first(where: { $0.name == model }) {
        var personality = found.personality
        if let firmware { personality.firmware = firmware }
        var stick = SierraStick(personality)
        if isQDL { stick.loseApplication() }
        return USBStick(stick, disc: .init(rawValue: disc.rawValue) ?? .once)
      }
    }
    if let personality = HuaweiQualcommStick.Personality.named(name) {
      let stick = HuaweiQualcommStick(personality, firmware: firmware) {
        switches.lock?.apply(to: &$0)
      }
      return USBStick(stick, disc: .init(rawValue: disc.rawValue) ?? .once)
    }
    let personality = try SimulatedModels.personality(name)
    var options = HuaweiBalongStick.Options()
    options.strict = switches.strict
    options.signed = switches.signed
    options.logging = switches.logging
    options.singlePort = false
    options.pin = switches.pin
    switches.lock?.apply(to: &options)
    let stick = HuaweiBalongStick(
      personality: personality, firmware: firmware.map { FirmwareVersion($0) },
      imei: switches.lock?.imei ?? "004999010640000", seed: switches.seed, options: options)
    return USBStick(keeper?.restored(stick) ?? stick, disc: disc)
  }

  private static func other(_ name: String, _ firmware: String?, _ disc: String)
    -> (any USBStickBody)?
  {
    switch name {
    case "huawei-hilink":
      USBStick(
        HiLinkCard(HuaweiHiLinkStick(firmware: firmware)), disc: .init(rawValue: disc) ?? .once)
    case "zte-mf667":
      USBStick(
        QualcommBody(version: firmware ?? "BD_MF667V1.0.0B01"), disc: .init(rawValue: disc) ?? .once
      )
    case "zte-mf823":
      USBStick(
        QualcommLTEBody(version: firmware ?? "BD_MF823V1.0.0B01"),
        disc: .init(rawValue: disc) ?? .once)
    case "qualcomm-edl":
      {
        var body = QualcommBody(version: "none")
        body.flash.load("0:AMSS", [])
        return USBStick(body, disc: .never)
      }()
    case QualcommSampleFolder.model, "\(QualcommSampleFolder.model)-edl":
      {
        var body = QualcommSampleFolder.stick(firmware: firmware)
        // Without a whole firmware it stays in its boot ROM.
        if name.hasSuffix("-edl") { body.storage.damage("modem") }
        return USBStick(body, disc: .never)
      }()
    default: nil
    }
  }
}

extension SimCommand {
  /// Serves the models over USB/IP until Ctrl-C.
  func serveUSB() async throws {
    try await explaining(json: false) { () throws(Trouble) in
      var names = models
      var address = SocketAddress.usbip
      if let first = names.first, first.contains(":"), let given = SocketAddress(first) {
        address = given
        names.removeFirst()
      }
      guard !names.isEmpty, names.count <= 8,
        let habit = USBStick<HuaweiBalongStick>.DiscHabit(rawValue: disc)
      else {
        throw Trouble(
          "usage.sim",
          "sim --usbip takes one to eight models, and --disc always, once, never, slow, deaf or "
            + "looping.",
          advice: ["Try `modemsmith sim --usbip huawei-e3131`."], exitCode: .usage)
      }
      let keepers = try keepers(names.count)
      var sticks: [any USBStickBody] = []
      for (index, name) in names.enumerated() {
        sticks.append(
          try SimulatedUSB.stick(
            name, firmware: firmware,
            options: SimulatedModels.Switches(
              strict: strict, signed: signed, logging: log != nil, seed: seed &+ UInt64(index),
              lock: lock, pin: pin),
            disc: habit, restoring: keepers[index]))
      }
      try await serve(sticks, names, at: address, keepers)
      return .ok
    }
  }

  private func keepers(_ count: Int) throws(Trouble) -> [SimulatedFlashKeeper] {
    var keepers: [SimulatedFlashKeeper] = []
    for index in 1...count {
      // One stick keeps the plain names.
      let suffix = count == 1 ? "" : ".\(index)"
      keepers.append(
        try SimulatedFlashKeeper(flash: flash.map { $0 + suffix }, log: log.map { $0 + suffix }))
    }
    return keepers
  }

  private func serve(
    _ sticks: [any USBStickBody], _ names: [String], at address: SocketAddress,
    _ keepers: [SimulatedFlashKeeper]
  ) async throws(Trouble) {
    if attach, let absence = VirtualHostPort.absence {
      throw Trouble(
        "sim.no-host-controller", "This machine cannot plug simulated sticks in: \(absence).",
        advice: ["Run `sudo modprobe vhci-hcd`, then this command as root."], exitCode: .refused)
    }
    let server: USBIPServer
    do throws(LinkError) {
      server = try USBIPServer(
        sticks, at: address, speed: max(0.01, speed),
        report: { event in
          switch event {
          case .appeared(let busid, let id): Output.line("appeared \(busid) \(id)")
          case .left(let busid): Output.line("left \(busid)")
          case .taken(let busid, let isTaken):
            Output.line("\(isTaken ? "taken" : "free") \(busid)")
          }
        },
        keep: { [keeps = flash != nil || log != nil] index, stick in
          guard keeps, var huawei = stick as? USBStick<HuaweiBalongStick> else { return }
          huawei.change { keepers[index].keep(&$0) }
          stick = huawei
        })
    } catch { throw error.trouble }
    if !server.address.isLoopback {
      Output.error("anyone who reaches \(server.address) can attach these sticks")
    }
    Output.error("\(names.joined(separator: ", ")) at \(server.address); Ctrl-C pulls the plugs")
    let cables = sticks.indices.map {
      VirtualHostPort("1-\($0 + 1)", of: server.address, into: $0)
    }
    let listening = Task.detached { Self.obey(server) }
    await withTaskGroup { group in
      if attach { for cable in cables { group.addTask { await cable.run() } } }
      await server.run()
      for cable in cables { cable.stop() }
    }
    listening.cancel()
  }

  /// Reads `plug N`, `unplug N` and `lose N` from standard input until its end.
  private static func obey(_ server: USBIPServer) {
    while let line = readLine() {
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Int(words[1]) else { continue }
      switch words[0] {
      case "plug": server.plug(number - 1, true)
      case "unplug": server.plug(number - 1, false)
      case "lose":
        _ = server.change(number - 1) { stick in
          guard var losable = stick as? any USBStickBody & USBLosable else { return }
          losable.vanishes = true
          stick = losable
        }
      default: continue
      }
    }
  }
}

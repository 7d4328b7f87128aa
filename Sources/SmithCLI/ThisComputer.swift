import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors

/// What this computer and our device files know about sticks.
enum ThisComputer {
  /// Device files and the installed port lists, read once.
  static let knowledge = UsbKnowledge(
    entries: UsbIDs.entries, rules: UdevRules.modemManager())

  /// The bus of this computer; endpoints without a driver are used through libusb.
  static func bus() -> UsbBus {
    UsbBus(knowledge: knowledge, bulk: UsbBulkLink.opener())
  }

  /// Every stick in every state.
  static func sticks() -> [StickSighting] { knowledge.sticks(on: SysfsUSB()) }

  /// The place of the one stick that is meant.
  ///
  /// - Parameters:
  ///   - place: as `list` shows it.
  ///   - imeiEnds: the last digits of its IMEI; each stick with an AT port is asked for it.
  ///   - states: what the stick may look like.
  /// - Throws: `port.not-found` if there is none, `usage.bad-target` if there are several.
  static func onlyStick(
    place: String?, imeiEnds: String?, states: Set<UsbState>
  ) async throws(Trouble) -> StickSighting {
    let sticks = sticks()
    if let place {
      guard let found = sticks.first(where: { $0.device.place == place }) else {
        throw Trouble(
          "port.not-found", "There is no stick at \(place).",
          advice: ["Run `modemsmith list` to see the places."], exitCode: .noStick)
      }
      return found
    }
    var fitting = sticks.filter { states.contains($0.state) }
    if let imeiEnds { fitting = try await asked(fitting, imeiEnds) }
    guard let only = fitting.first else {
      let other = sticks.first.map { [$0.next.first?.command].compactMap { $0 } } ?? []
      throw Trouble(
        "port.not-found",
        sticks.isEmpty ? "No stick is plugged in." : "No stick that fits is plugged in.",
        facts: sticks.map { "\($0.device.place): \($0.name), \($0.state.rawValue)" },
        advice: other.map { "Run `\($0)`." }
          + ["Plug the stick in, wait ten seconds and try again."], exitCode: .noStick)
    }
    guard fitting.count == 1 else {
      throw Trouble(
        "usage.bad-target", "There are \(fitting.count) sticks; say which one is meant.",
        facts: fitting.map { "\($0.device.place): \($0.name)" },
        advice: ["Add `--place \(only.device.place)` or another of these places."],
        exitCode: .usage)
    }
    return only
  }

  /// Whether these can be the last digits of an IMEI.
  ///
  /// - Throws: `usage.bad-target`.
  static func check(imeiEnds ending: String) throws(Trouble) {
    guard (2...15).contains(ending.count), ending.allSatisfy({ $0.isASCII && $0.isNumber }) else {
      throw Trouble(
        "usage.bad-target", "--imei-ends takes the last digits of an IMEI.",
        advice: ["Four digits are usually enough: --imei-ends 1234."], exitCode: .usage)
    }
  }

  private static func asked(_ sticks: [StickSighting], _ ending: String) async throws(Trouble)
    -> [StickSighting]
  {
    try check(imeiEnds: ending)
    var found: [StickSighting] = []
    for stick in sticks {
      let updater = Updater(
        bus: bus(), owner: TerminalOwner(json: true, yes: false), surroundings: .forQueries)
      // A stick that cannot be asked is not the one that is meant.
      guard let (link, subject) = try? await updater.identify(stick.place, withSettings: false)
      else { continue }
      await link.close()
      if subject.report.imei?.digits.hasSuffix(ending) == true { found.append(stick) }
    }
    return found
  }
}

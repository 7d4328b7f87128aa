public import SmithLink
public import SmithModel
public import SmithVendors

/// Leads a Huawei stick that waits in download mode, unwritten, back into the firmware that it
/// has: `AT^NVBACKUP` alone sends it there at its next start, and only a reset in there ends that
/// (Docs/Protocols/balong-download.md section 2.2).
public struct DownloadLeave {
  private let bus: any Bus

  /// On the bus of the stick.
  public init(_ bus: any Bus) {
    self.bus = bus
  }

  /// Restarts the stick and waits for its firmware.
  ///
  /// - Parameter unfinished: an update at that place that has no last word.
  /// - Returns: what the stick says of itself afterwards.
  /// - Throws: a trouble; flash is not written.
  public func leave(at place: Place, unfinished: Unfinished? = nil) async throws(Trouble)
    -> DeviceReport
  {
    let family = HuaweiBalong()
    let link = try await Updater.open(place, on: bus)
    let found: Subject
    do throws(Trouble) {
      found = try await Subject.ask(link, at: place, likely: family, ofTheHour: false)
    } catch {
      await link.close()
      throw error
    }
    await link.close()
    if let obstacle = found.state.obstacle { throw obstacle }
    guard case .waiting(let loader) = found.state, found.report.vendor == family.vendor else {
      throw Self.notWaiting
    }
    if let unfinished, unfinished.wroteTo(found) {
      throw Self.stays("The update that was interrupted began to write this stick.", .untouched)
    }
    let now = await StickReturn(bus, place, likely: family).restart(found, loader).subject
    guard now?.state != .normal else { return now?.report ?? DeviceReport() }
    if now == nil || now?.state == .silent { throw Self.away }
    throw Self.stays("The stick was restarted and waits in download mode again.", .needsRescue)
  }

  private static let notWaiting = Trouble(
    "huawei.not-in-download", "No Huawei stick waits in download mode there.",
    advice: ["Run `modemsmith info` to see which state the stick is in."],
    exitCode: .nothingToDo)

  private static func stays(_ summary: String, _ aftermath: Aftermath) -> Trouble {
    Trouble(
      "huawei.stays-in-download", summary,
      facts: ["a stick whose parts are not all written does not start its firmware"],
      advice: [
        "Run `modemsmith resume`: it writes what is missing.",
        "If there is nothing to resume, `modemsmith update FILE` writes the whole package.",
      ], aftermath: aftermath, exitCode: aftermath == .untouched ? .refused : .needsRescue)
  }

  private static let away = Trouble(
    "stick.did-not-return", "The stick was restarted and did not come back in time.",
    advice: ["Unplug it, wait ten seconds, plug it in and run `modemsmith info`."],
    aftermath: .unknown, exitCode: .unknown)
}

extension Unfinished {
  /// Whether an item of that stick was begun, as far as anybody knows.
  fileprivate func wroteTo(_ subject: Subject) -> Bool {
    let isOther =
      if let before = header.identity, let now = subject.identityHash { before != now } else {
        false
      }
    let began = records.contains { record in
      if case .itemBegan = record { true } else { false }
    }
    return began && !isOther
  }
}

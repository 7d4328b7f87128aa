public import SmithLink
public import SmithModel
import SmithProtocols

/// Guides a person to a stick's boot ROM while it watches what appears on the bus
/// (Docs/Protocols/balong-bootrom.md section 1).
public struct RescueWatch {
  /// What the watching came to.
  public enum Outcome: Sendable, Equatable {
    /// The boot ROM answers at this place.
    case bootROM(Place)
    /// A download monitor answers there already.
    case download(Place)
  }

  private let bus: any Bus
  private let owner: any Owner
  private let limit: Duration

  /// How long a stick may take from its first port to all of them.
  private static var settling: Duration { .seconds(3) }
  /// After so many starts of the firmware other ways are told.
  private static var enoughMisses: Int { 2 }

  /// A watch over a bus.
  ///
  /// - Parameter limit: when it gives up; the person may need time to open a case.
  public init(bus: any Bus, owner: any Owner, limit: Duration = .seconds(1200)) {
    self.bus = bus
    self.owner = owner
    self.limit = limit
  }

  /// Watches until the boot ROM or a download monitor answers.
  ///
  /// - Parameter place: the only place that counts; nil for wherever something appears.
  /// - Throws: `rescue.watch-ended` after the limit, `update.cancelled` when the owner stops it.
  public func run(at place: Place?) async throws(Trouble) -> Outcome {
    let end = bus.now + limit
    await owner.hear(.phase(.identify, "Watching the USB sockets"))
    await tell(Self.firstSteps)
    var seen: [Place: Set<String>] = [:]
    var quiet: Set<Place> = []
    var misses = 0
    while bus.now < end {
      if owner.wantsToStop { throw UpdateRun.cancelled }
      let present = await nodes(at: place)
      for gone in Array(seen.keys) where present[gone] == nil {
        seen[gone] = nil
        await owner.hear(.note("\(gone): unplugged."))
      }
      for (found, names) in present where seen[found] != names || quiet.contains(found) {
        let isNew = seen[found] != names
        let state = await look(at: found)
        // Ports that came while it was asked are the same stick's; what comes from here on is new.
        seen[found] = await nodes(at: place)[found] ?? names
        if state == nil { quiet.insert(found) } else { quiet.remove(found) }
        switch state {
        case .bootROM:
          await owner.hear(.note("\(found): the boot ROM answers. Let go of the pin now."))
          return .bootROM(found)
        case .download, .downloadAT:
          await owner.hear(.note("\(found): it waits in download mode. No loader is needed."))
          return .download(found)
        case .normal, .diag:
          misses += 1
          await tell(Self.missed(found, misses >= Self.enoughMisses))
        case .silent, nil:
          guard isNew else { continue }
          await owner.hear(.note("\(found): something is there and does not answer yet."))
        }
      }
      await bus.pause(.milliseconds(500))
    }
    throw Self.gaveUp(misses)
  }

  /// Ports that are there, by place.
  private func nodes(at place: Place?) async -> [Place: Set<String>] {
    let ports = (try? await bus.ports()) ?? []
    var found: [Place: Set<String>] = [:]
    for port in ports where place == nil || port.place == place {
      found[port.place, default: []].insert(port.node)
    }
    return found
  }

  private func look(at place: Place) async -> BalongState? {
    // A stick shows its ports one after the other.
    let end = bus.now + Self.settling
    repeat {
      if let (link, state) = try? await Rescuer.probe(place, on: bus) {
        await link.close()
        if state != .silent { return state }
      }
      await bus.pause(.milliseconds(500))
    } while bus.now < end
    return nil
  }

  private func tell(_ lines: [String]) async {
    for line in lines { await owner.hear(.note(line)) }
  }

  // MARK: Words

  private static let firstSteps = [
    "1. Unplug the stick. If it does not show its boot ROM by itself, open its case.",
    "2. Find the boot pin: a small bare test pad. Use a photograph of exactly your board.",
    "3. Join the pad to metal ground (the SIM cage or the USB shield) with tweezers.",
    "4. Hold it, plug the stick in, wait three seconds, let go. No light may come on.",
    "Nothing is written by this; unplugging undoes it.",
  ]

  private static func missed(_ place: Place, _ hasMissedOften: Bool) -> [String] {
    var lines = [
      "\(place): its own firmware started: the contact was lost, or it was the wrong pad.",
      "Unplug it and try once more; the contact must be there before the plug is.",
    ]
    if hasMissedOften {
      lines += [
        "A device with buttons may have an easier way: hold MENU or the reset button while it is",
        "powered on; some then wait in download mode, where no loader is needed.",
        "And if its firmware starts, `modemsmith update FILE` may be all that it needs.",
      ]
    }
    return lines
  }

  private static func gaveUp(_ misses: Int) -> Trouble {
    Trouble(
      "rescue.watch-ended", "No boot ROM showed up while this watched.",
      facts: [
        misses == 0
          ? "nothing that answers was plugged in"
          : "the stick's own firmware started \(misses) times"
      ],
      advice: [
        "Try again with another cable and socket, and with a photograph of exactly your board.",
        "If nothing ever shows up with the pin grounded, power or chip is dead: no program helps"
          + " then. A repair shop can say more; the SIM card is not affected.",
      ], aftermath: .unknown, exitCode: .noStick)
  }
}

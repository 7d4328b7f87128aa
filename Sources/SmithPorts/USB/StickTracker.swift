import SmithModel

/// What became of a stick.
public enum StickChange: Hashable, Sendable {
  /// It is there, or shows more than before.
  case came(StickSighting)
  /// It is gone, as it was last seen.
  case left(StickSighting)
}

/// Follows the sticks of this computer by the kernel's word (Docs/Protocols/usb-modes.md section
/// 1): only the place that an event names is read again.
///
/// A stick that leaves is told at once. One that comes is told as soon as it is whole: every
/// interface that its descriptors promise is there and taken by a driver. One that never gets
/// whole, because no driver wants all of it, is told after ``limit`` as it is by then.
public struct StickTracker: Sendable {
  /// Most that a stick is waited for after the first event about it.
  public static let limit = Duration.milliseconds(100)
  /// Most that a stick is waited for which shows no interface yet: only then is it called dead.
  public static let patience = Duration.seconds(1)

  private let usb: SysfsUSB
  private let knowledge: UsbKnowledge
  private var told: [String: StickSighting] = [:]
  /// When the wait for a place began.
  private var waiting: [String: Duration] = [:]

  /// Knows of no stick yet.
  public init(usb: SysfsUSB, knowledge: UsbKnowledge) {
    self.usb = usb
    self.knowledge = knowledge
  }

  /// Every stick that was told and has not left, by place.
  public var sticks: [StickSighting] {
    told.values.sorted { SysfsUSB.isBefore($0.device.place, $1.device.place) }
  }

  /// When to look again although the kernel says nothing; nil if nothing is waited for.
  public var deadline: Duration? {
    waiting.map { $0.value + (told[$0.key] == nil && isBare($0.key) ? Self.patience : Self.limit) }
      .min()
  }

  /// Reads every place anew, for the beginning and where events were lost; what is there is told
  /// as it is.
  public mutating func readAll() -> [StickChange] {
    waiting = [:]
    var changes: [StickChange] = []
    let now = knowledge.sticks(on: usb)
    for place in told.keys.sorted(by: SysfsUSB.isBefore)
    where !now.contains(where: { $0.device.place == place }) {
      if let gone = told.removeValue(forKey: place) { changes.append(.left(gone)) }
    }
    for stick in now { changes += tell(stick) }
    return changes
  }

  /// What the kernel's events tell, at a time of the monotonic clock.
  public mutating func take(_ events: [UsbEvent], at now: Duration) -> [StickChange] {
    if events.contains(.lost) { return readAll() }
    var changes: [StickChange] = []
    var seen: Set<String> = []
    var bound: Set<String> = []
    for event in events {
      guard let place = event.place else { continue }
      if event.isDeparture {
        // It may have come back under the same number of the place before we looked.
        waiting[place] = nil
        if let gone = told.removeValue(forKey: place) { changes.append(.left(gone)) }
      }
      seen.insert(place)
      // Nothing gets whole but by a driver that has taken something.
      if event.action == "bind" { bound.insert(place) }
    }
    for place in seen.sorted(by: SysfsUSB.isBefore) {
      // What a whole stick grows later is not urgent: it is told all at once.
      if told[place] == nil, bound.contains(place), usb.isWhole(place) {
        changes += look(place)
      } else if usb.isThere(place) {
        waiting[place] = waiting[place] ?? now
      } else {
        changes += look(place)
      }
    }
    return changes + look(at: now)
  }

  /// What is to be told of places whose time is over.
  public mutating func look(at now: Duration) -> [StickChange] {
    var changes: [StickChange] = []
    let due = waiting.filter { now >= $0.value + Self.limit }
    for (place, since) in due.sorted(by: { SysfsUSB.isBefore($0.key, $1.key) })
    where !(told[place] == nil && isBare(place) && now < since + Self.patience) {
      changes += look(place)
    }
    return changes
  }

  private func isBare(_ place: String) -> Bool { !usb.hasInterfaces(place) }

  private mutating func look(_ place: String) -> [StickChange] {
    waiting[place] = nil
    if let stick = usb.device(at: place).flatMap({ knowledge.sighting(of: $0) }) {
      return tell(stick)
    }
    return told.removeValue(forKey: place).map { [.left($0)] } ?? []
  }

  private mutating func tell(_ stick: StickSighting) -> [StickChange] {
    let place = stick.device.place
    let before = told.updateValue(stick, forKey: place)
    if before == stick { return [] }
    // Another number is another enumeration: the one before has left.
    if let before, before.device.number != stick.device.number {
      return [.left(before), .came(stick)]
    }
    return [.came(stick)]
  }
}

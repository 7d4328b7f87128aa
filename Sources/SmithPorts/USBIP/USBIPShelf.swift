import SmithBytes
public import SmithLink

/// The sticks that a USB/IP server has to give away.
public struct USBIPShelf: Sendable {
  /// One place to plug a stick in.
  public struct Slot: Sendable {
    /// Its name, as in `1-1`; it outlives every enumeration.
    public let busid: String
    /// The stick.
    public var stick: any USBStickBody
    /// Whether the stick is plugged in.
    public internal(set) var isPlugged = false
    /// Whether a host has it.
    public internal(set) var isTaken = false
  }

  /// Every slot.
  public private(set) var slots: [Slot]

  /// Sticks that are not plugged in yet, named `1-1`, `1-2` and so on.
  public init(_ sticks: [any USBStickBody]) {
    slots = sticks.enumerated().map { Slot(busid: "1-\($0.offset + 1)", stick: $0.element) }
  }

  /// The next moment at which one of the sticks does something by itself.
  public var nextDue: Duration? { slots.compactMap(\.stick.nextDue).min() }

  /// Looks at a stick or changes it.
  public mutating func change<Result>(_ index: Int, _ work: (inout Slot) -> Result) -> Result? {
    guard slots.indices.contains(index) else { return nil }
    return work(&slots[index])
  }

  /// Plugs a stick in.
  public mutating func plug(_ index: Int, at now: Duration) {
    guard slots.indices.contains(index), !slots[index].isPlugged else { return }
    slots[index].isPlugged = true
    slots[index].stick.plug(at: now)
  }

  /// Pulls a stick out.
  public mutating func unplug(_ index: Int, at now: Duration) {
    guard slots.indices.contains(index), slots[index].isPlugged else { return }
    slots[index].isPlugged = false
    slots[index].stick.unplug(at: now)
  }

  /// Lets time pass for one stick, one event at a time; what it does goes to `deliver`.
  mutating func advance(
    _ index: Int, to now: Duration, _ deliver: (_ emissions: [USBEmission]) -> Void
  ) {
    // A stick that never gets past a moment is not waited for.
    for _ in 0..<10_000 {
      let due = slots[index].stick.nextDue.map { min($0, now) } ?? now
      let emissions = slots[index].stick.advance(to: due)
      if !emissions.isEmpty { deliver(emissions) }
      guard due < now else { return }
    }
  }

  /// The slot of that name, if its stick can be seen.
  func index(of busid: String) -> Int? {
    slots.firstIndex { $0.busid == busid && $0.stick.usbFace != nil }
  }

  /// The answer to a request for the list: every stick that can be seen.
  func list() -> [UInt8] {
    let seen = slots.compactMap { slot in slot.stick.usbFace.map { (slot.busid, $0) } }
    var bytes = USBIPWire.greeting(USBIPWire.replyList, status: 0)
    bytes.append(big: UInt32(clamping: seen.count))
    for (busid, face) in seen {
      bytes += USBIPWire.device(face, busid: busid, number: face.generation + 1)
      for kind in face.interfaces { bytes += [kind.class, kind.subclass, kind.protocol, 0] }
    }
    return bytes
  }
}

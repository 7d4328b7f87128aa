import SmithBench
import SmithLink
import SmithModel
import SmithSimulators

/// What goes wrong between host and loader, exactly: the weather of a virtual cable is drawn.
struct Faults: Sendable {
  /// Power is cut at this message to the loader (counted from 1).
  var cutAtSend: Int?
  /// Whether that message still reaches it.
  var cutAfterDelivery = true
  /// Power is cut at the first message that begins so.
  var cutAtKind: [UInt8]?
  /// Power is cut as soon as the application is not whole.
  var cutWhileFlashing = false
  /// How long after a cut the owner gives power again; nil for never.
  var replugsAfter: Duration?
  /// The loader's bytes come in pieces of this many.
  var pieces: Int?
  /// Every answer comes twice.
  var duplicates = false
  /// Bytes in front of every answer.
  var noise: [UInt8] = []
  /// The messages (counted from 1) that never arrive.
  var lostSends: Set<Int> = []
  /// The first message that begins so never arrives.
  var losesKind: [UInt8]?
}

/// A stick behind a bad cable; only what passes while it is in its loader is touched.
struct FaultyStick: StickBody {
  var inner: SierraStick
  var faults: Faults
  /// Messages to the loader.
  private(set) var sent: [[UInt8]] = []
  private var hasLost = false
  private var replugsAt: Duration?
  private var isLosing = false

  init(_ inner: SierraStick, faults: Faults = Faults()) {
    self.inner = inner
    self.faults = faults
  }

  var face: StickFace? { inner.face }
  var nextDue: Duration? { [inner.nextDue, replugsAt].compactMap { $0 }.min() }
  private var isInLoader: Bool { inner.face?.ports == [.download] }

  mutating func plug(at now: Duration) { inner.plug(at: now) }
  mutating func unplug(at now: Duration) { inner.unplug(at: now) }
  mutating func advance(to now: Duration) -> [Emission] {
    if let time = replugsAt, time <= now {
      replugsAt = nil
      inner.plug(at: time)
    }
    let isLoader = isInLoader
    let answers = inner.advance(to: now)
    return isLoader ? spoil(answers) : answers
  }

  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    guard isInLoader else { return inner.receive(bytes, on: port, at: now) }
    sent.append(bytes)
    if loses(bytes) { return [] }
    let isCut =
      faults.cutAtSend == sent.count || faults.cutAtKind.map { bytes.starts(with: $0) } == true
    let answers =
      isCut && !faults.cutAfterDelivery ? [] : inner.receive(bytes, on: port, at: now)
    guard isCut || (faults.cutWhileFlashing && inner.flash.application == nil) else {
      return spoil(answers)
    }
    inner.unplug(at: now)
    replugsAt = faults.replugsAfter.map { now + $0 }
    faults = Faults()
    return []
  }

  /// A terminal hands a message on in pieces of its own choice: it is lost up to its end.
  private mutating func loses(_ bytes: [UInt8]) -> Bool {
    if isLosing {
      isLosing = bytes.last != 0x7e
      return true
    }
    if faults.lostSends.contains(sent.count) { return true }
    guard !hasLost, let kind = faults.losesKind, bytes.starts(with: kind) else { return false }
    hasLost = true
    isLosing = bytes.last != 0x7e
    return true
  }

  private func spoil(_ answers: [Emission]) -> [Emission] {
    var spoiled: [Emission] = []
    for answer in answers {
      let whole = faults.noise + answer.bytes
      let size = max(1, faults.pieces ?? whole.count)
      for _ in 0..<(faults.duplicates ? 2 : 1) {
        var at = answer.at
        for start in stride(from: 0, to: whole.count, by: size) {
          let piece = Array(whole[start..<min(whole.count, start + size)])
          spoiled.append(Emission(port: answer.port, bytes: piece, at: at))
          at += .milliseconds(1)
        }
      }
    }
    return spoiled
  }
}

/// A stick with faults on a virtual cable, for tests that speak to its ports directly.
struct TestCable: Sendable {
  let bus: VirtualBus<FaultyStick>

  init(_ stick: SierraStick, faults: Faults = Faults()) {
    bus = VirtualBus(FaultyStick(stick, faults: faults))
  }

  var stick: SierraStick { bus.body.inner }
  /// Messages to the loader.
  var sent: [[UInt8]] { bus.body.sent }
  var sends: Int { sent.count }

  func change(_ work: @Sendable (inout FaultyStick) -> Void) { bus.withBody { work(&$0) } }

  /// Power off and on again, without faults.
  func replug() {
    change { $0.faults = Faults() }
    bus.replug()
  }

  /// Waits for a port of exactly that role and opens it.
  func open(_ role: PortRole, within limit: Duration = .seconds(120)) async -> (any ByteLink)? {
    let end = bus.now + limit
    while bus.now < end {
      if let port = try? await bus.ports().first(where: { $0.role == role }) {
        return try? await bus.open(port)
      }
      await bus.pause(.milliseconds(100))
    }
    return nil
  }
}

extension ByteLink {
  /// Sends one command and returns everything that comes within two seconds.
  func command(_ text: String) async -> [String] {
    do { try await send([UInt8](text.utf8) + [13]) } catch { return [] }
    var bytes: [UInt8] = []
    while let more = try? await receive(within: .seconds(2)) { bytes += more }
    return String(decoding: bytes, as: UTF8.self).split { $0.isNewline }.map(String.init)
  }
}

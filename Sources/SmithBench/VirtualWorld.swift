import SmithLink
import SmithModel

/// The cable, the clock and the stick behind a ``VirtualBus``.
///
/// It does not know the kind of stick: a generic world would look its own type up in the runtime
/// with every message, which took a tenth of a storm's time.
struct VirtualWorld: Sendable {
  var cable: VirtualCable
  var body: any StickBody

  var now: Duration {
    get { cable.now }
    set { cable.now = newValue }
  }
  var epoch: Int { cable.epoch }
  var powered: Bool { cable.powered }

  init(_ body: any StickBody, weather: Weather, seed: UInt64) {
    self.body = body
    cable = VirtualCable(weather: weather, seed: seed)
  }

  mutating func plug() {
    guard !cable.powered else { return }
    cable.powered = true
    body.plug(at: now)
  }

  mutating func unplug() {
    guard cable.powered else { return }
    cable.powered = false
    advanceBody()
    body.unplug(at: now)
    cable.forget()
  }

  func ports(at place: Place) -> [Port] {
    guard let face = body.face, !cable.hostIsDead else { return [] }
    return face.ports.indices.map { index in
      Port(
        place: place, role: face.ports[index], node: "virtual:\(face.generation):\(index)",
        id: face.id, interface: index)
    }
  }

  /// A port of that role, or of any role if the stick shows only one: like a named port, a
  /// virtual one does not promise what answers behind it.
  mutating func waitForPort(at place: Place, _ role: PortRole, within limit: Duration) -> Port? {
    let deadline = now + limit
    while true {
      advanceBody()
      let seen = ports(at: place)
      if let port = seen.first(where: { $0.role == role }) ?? (seen.count == 1 ? seen[0] : nil) {
        return port
      }
      guard let next = body.nextDue, next <= deadline else {
        now = max(now, deadline)
        return nil
      }
      now = max(now, next)
    }
  }

  func open(_ port: Port) -> (port: Int, generation: Int, epoch: Int)? {
    guard let face = body.face, !cable.hostIsDead else { return nil }
    for index in face.ports.indices where port.node == "virtual:\(face.generation):\(index)" {
      return (index, face.generation, epoch)
    }
    return nil
  }

  mutating func pause(_ duration: Duration) {
    let end = now + duration
    while let next = body.nextDue, next <= end {
      now = max(now, next)
      advanceBody()
    }
    now = end
  }

  /// Whether the bytes went out; false if the port is no longer there.
  mutating func send(_ bytes: [UInt8], _ key: VirtualKey) -> Bool {
    advanceBody()
    guard isAlive(key) else { return false }
    let cut = cable.passOut(bytes)
    if !cut || cable.weather.unplugAfterDelivery { deliver(bytes, key) }
    if cut { unplug() }
    return true
  }

  mutating func receive(within limit: Duration, _ key: VirtualKey) -> Received {
    let deadline = now + limit
    while true {
      if let bytes = cable.takeArrived(key) { return .bytes(bytes) }
      guard isAlive(key) else { return .gone }
      var next = cable.nextArrival(key, before: deadline)
      if let due = body.nextDue, due < next { next = due }
      let reached = next >= deadline
      now = max(now, next)
      advanceBody()
      if reached {
        if let bytes = cable.takeArrived(key) { return .bytes(bytes) }
        return isAlive(key) ? .silent : .gone
      }
    }
  }

  private func isAlive(_ key: VirtualKey) -> Bool {
    cable.reaches(key) && body.face?.generation == key.generation
  }

  mutating func advanceBody() {
    guard cable.powered else { return }
    guard let due = body.nextDue, due <= now else { return }
    accept(body.advance(to: now))
  }

  private mutating func deliver(_ bytes: [UInt8], _ key: VirtualKey) {
    for piece in cable.pieces(of: bytes) {
      accept(body.receive(piece, on: key.port, at: now))
    }
  }

  /// Puts what the stick sends on its way, through the weather.
  private mutating func accept(_ emissions: [Emission]) {
    if emissions.isEmpty { return }
    cable.accept(emissions, from: body.face?.generation ?? -1)
  }
}

/// What came of waiting.
enum Received {
  case bytes([UInt8])
  case silent, gone
}

/// Bytes between host and stick, the weather that they meet, and the time that passes.
struct VirtualCable: Sendable {
  /// Bytes on their way to the host.
  private struct Arrival: Sendable {
    let key: Int
    let generation: Int
    let bytes: [UInt8]
    let at: Duration
  }

  var now: Duration = .zero
  var weather: Weather
  var sends = 0
  var hostIsDead = false
  var epoch = 0
  var powered = false
  private var dice: Seeded
  private var arrivals: [Arrival] = []

  init(weather: Weather, seed: UInt64) {
    self.weather = weather
    dice = Seeded(seed)
  }

  /// What bytes cost on a full-speed cable.
  static func time(of count: Int) -> Duration { .nanoseconds(100 * count) }

  mutating func forget() {
    arrivals.removeAll(keepingCapacity: true)
  }

  /// Whether what is sent or awaited with that key can pass at all.
  func reaches(_ key: VirtualKey) -> Bool {
    powered && !hostIsDead && key.epoch == epoch
  }

  /// Counts a send and lets its time pass; whether the stick loses its power now.
  mutating func passOut(_ bytes: [UInt8]) -> Bool {
    sends += 1
    now += Self.time(of: bytes.count)
    return weather.unplugAtSend == sends
  }

  /// What reaches the stick of something sent, piece by piece.
  mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    var bytes = bytes
    if dice.happens(weather.drop) { return [] }
    // A bus with checksums does not turn one AT text into another; frames, which have a checksum
    // of their own because of it, can be damaged behind the bus, in the stick's buffers. A QDL
    // chunk (0x27) has no flags.
    let isFrame = bytes.first == 0x7e || bytes.first == 0x27 && bytes.count > 13
    if isFrame, dice.happens(weather.corrupt) { flip(&bytes) }
    // One write of an AT command is one USB transfer and arrives whole; long frames may not.
    if bytes.count > 64, isFrame, dice.happens(weather.split) {
      let border = 1 + Int(dice.next() % UInt64(bytes.count - 1))
      return [[UInt8](bytes[..<border]), [UInt8](bytes[border...])]
    }
    return [bytes]
  }

  /// Puts what the stick sends on its way.
  mutating func accept(_ emissions: [Emission], from generation: Int) {
    for emission in emissions {
      var bytes = emission.bytes
      var at = max(emission.at, now)
      if dice.happens(weather.drop) { continue }
      if bytes.last == 0x7e, dice.happens(weather.corrupt) { flip(&bytes) }
      if dice.happens(weather.noise) {
        bytes = (0..<4).map { _ in UInt8(truncatingIfNeeded: dice.next()) } + bytes
      }
      if dice.happens(weather.delay) { at += late() }
      let copies = dice.happens(weather.duplicate) ? 2 : 1
      for _ in 0..<copies {
        if bytes.count > 1, dice.happens(weather.split) {
          let border = 1 + Int(dice.next() % UInt64(bytes.count - 1))
          enqueue(emission.port, generation, [UInt8](bytes[..<border]), at)
          enqueue(emission.port, generation, [UInt8](bytes[border...]), at + .microseconds(200))
        } else {
          enqueue(emission.port, generation, bytes, at)
        }
      }
    }
  }

  /// A cable keeps the order: nothing overtakes what was sent before it on the same port.
  private mutating func enqueue(_ port: Int, _ generation: Int, _ bytes: [UInt8], _ at: Duration) {
    var at = at
    for arrival in arrivals where arrival.key == port && arrival.at > at { at = arrival.at }
    arrivals.append(Arrival(key: port, generation: generation, bytes: bytes, at: at))
  }

  /// When the next bytes come; what lies at another port, or came from an earlier enumeration,
  /// wakes nobody here.
  func nextArrival(_ key: VirtualKey, before deadline: Duration) -> Duration {
    var next = deadline
    for arrival in arrivals
    where arrival.at < next && arrival.key == key.port && arrival.generation == key.generation {
      next = arrival.at
    }
    return next
  }

  mutating func takeArrived(_ key: VirtualKey) -> [UInt8]? {
    guard !arrivals.isEmpty else { return nil }
    for index in arrivals.indices
    where arrivals[index].key == key.port && arrivals[index].at <= now {
      let arrival = arrivals.remove(at: index)
      guard arrival.generation == key.generation, key.epoch == epoch, !hostIsDead else {
        return nil
      }
      var bytes = arrival.bytes
      if dice.happens(weather.join), let more = takeArrived(key) { bytes += more }
      return bytes
    }
    return nil
  }

  private mutating func flip(_ bytes: inout [UInt8]) {
    let index = Int(dice.next() % UInt64(bytes.count))
    bytes[index] ^= UInt8(1 << (dice.next() % 8))
  }

  private mutating func late() -> Duration {
    let longest = weather.longestDelay
    return longest * Int(dice.next() % 1000) / 1000
  }
}

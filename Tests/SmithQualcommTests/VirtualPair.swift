import SmithLink
import SmithModel

/// A simulated stick and the time it lives in; nothing here suspends.
final class Pair<Body: StickBody>: @unchecked Sendable {
  var body: Body
  var now = Duration.zero
  var sends = 0
  /// Hands received bytes on one by one.
  var splits = false
  /// The power goes at this send.
  var cutAtSend: Int?
  /// Bytes of these sends are damaged, or these answers lost (counted from 1).
  var damagedSends: Set<Int> = []
  var lostAnswers: Set<Int> = []
  /// Answers that come so much later than they should.
  var lateAnswers: [Int: Duration] = [:]
  private var answers = 0
  private var queue: [Emission] = []

  init(_ body: Body) {
    self.body = body
    plug()
  }

  func plug() {
    body.plug(at: now)
    wait(.seconds(1))
  }

  func wait(_ duration: Duration) {
    let end = now + duration
    while let due = body.nextDue, due <= end { step(to: max(now, due)) }
    step(to: end)
  }

  func step(to time: Duration) {
    let before = body.face?.generation
    now = max(now, time)
    let new = body.advance(to: now)
    if body.face?.generation != before { queue.removeAll() }
    take(new)
  }

  func cut() {
    body.unplug(at: now)
    queue.removeAll()
  }

  /// The link to the first port of that role.
  func link(_ role: PortRole) -> PairedLink<Body>? {
    guard let face = body.face, let port = face.ports.firstIndex(of: role) else { return nil }
    return PairedLink(self, generation: face.generation, port: port)
  }

  /// The same, for runs that are meant to be interrupted: a missing port is no failed test there.
  func present(_ role: PortRole) throws(LinkError) -> PairedLink<Body> {
    guard let link = link(role) else { throw .gone }
    return link
  }

  func deliver(_ bytes: [UInt8], on port: Int) {
    sends += 1
    var bytes = bytes
    if damagedSends.contains(sends), bytes.count > 3 { bytes[bytes.count / 2] ^= 0x01 }
    if sends == cutAtSend {
      // Odd cuts fall into the sending, even ones into the work that it sets in motion.
      let whole = sends.isMultiple(of: 2)
      take(body.receive(whole ? bytes : Array(bytes.prefix(bytes.count / 2)), on: port, at: now))
      step(to: now + .microseconds(150))
      cut()
      return
    }
    if splits {
      for byte in bytes { take(body.receive([byte], on: port, at: now)) }
    } else {
      take(body.receive(bytes, on: port, at: now))
    }
  }

  func arrived(on port: Int) -> [UInt8]? {
    guard let index = queue.firstIndex(where: { $0.port == port && $0.at <= now }) else {
      return nil
    }
    if splits, queue[index].bytes.count > 1 { return [queue[index].bytes.removeFirst()] }
    return queue.remove(at: index).bytes
  }

  var nextEvent: Duration? {
    [queue.map(\.at).min(), body.nextDue].compactMap { $0 }.min()
  }

  private func take(_ emissions: [Emission]) {
    for emission in emissions {
      answers += 1
      if lostAnswers.contains(answers) { continue }
      var emission = emission
      emission.at += lateAnswers[answers] ?? .zero
      queue.append(emission)
    }
  }
}

/// One port of one enumeration of the stick.
final class PairedLink<Body: StickBody>: ByteLink, @unchecked Sendable {
  private let pair: Pair<Body>
  private let generation: Int
  private let port: Int

  init(_ pair: Pair<Body>, generation: Int, port: Int) {
    self.pair = pair
    self.generation = generation
    self.port = port
  }

  var now: Duration { pair.now }
  private var lives: Bool { pair.body.face?.generation == generation }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    guard lives else { throw .gone }
    pair.deliver(bytes, on: port)
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    let deadline = now + limit
    while true {
      guard lives else { throw .gone }
      if let bytes = pair.arrived(on: port) { return bytes }
      guard let next = pair.nextEvent, next <= deadline else { break }
      pair.step(to: next)
    }
    pair.step(to: deadline)
    guard lives else { throw .gone }
    throw .silent
  }

  func pause(_ duration: Duration) async { pair.wait(duration) }
  func close() async {}
}

/// A link that answers with what a script says, whatever is asked.
final class ScriptedLink: ByteLink, @unchecked Sendable {
  var sent: [[UInt8]] = []
  var now = Duration.zero
  private var script: [[UInt8]]
  private let repeats: Bool

  /// With `repeats` the last answer is given for ever.
  init(_ script: [[UInt8]], repeats: Bool = false) {
    self.script = script
    self.repeats = repeats
  }

  private var armed = false

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    sent.append(bytes)
    armed = true
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard armed, let first = script.first else {
      now += limit
      throw .silent
    }
    armed = false
    if !(repeats && script.count == 1) { script.removeFirst() }
    now += .milliseconds(1)
    return first
  }

  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}

/// A link whose port has vanished.
final class GoneLink: ByteLink {
  let now = Duration.zero
  func send(_ bytes: [UInt8]) async throws(LinkError) { throw .gone }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] { throw .gone }
  func pause(_ duration: Duration) async {}
  func close() async {}
}

/// Splitmix64; a test prints its seed.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Bytes given out piece by piece, never more than asked for.
func source(_ bytes: [UInt8], most: Int = .max) -> (Int) -> [UInt8] {
  var at = 0
  return { count in
    let piece = Array(bytes[at..<min(at + min(count, most), bytes.count)])
    at += piece.count
    return piece
  }
}

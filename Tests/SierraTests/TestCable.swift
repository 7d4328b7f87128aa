import SmithLink
import SmithModel
import SmithSimulators
import Synchronization

/// A stick on a cable in virtual time: nothing here ever suspends.
final class TestCable: Sendable {
  struct Faults {
    /// Power is cut at this send (counted from 1 over the whole life of the cable).
    var cutAtSend: Int?
    /// Whether the bytes of that send still reach the stick.
    var cutAfterDelivery = true
    /// The stick's bytes come in pieces of this many.
    var pieces: Int?
    /// Every answer comes twice.
    var duplicates = false
    /// Bytes in front of every answer.
    var noise: [UInt8] = []
    /// The sends (counted from 1) that never arrive.
    var lostSends: Set<Int> = []
  }
  struct Arrival {
    var port: Int
    var generation: Int
    var bytes: [UInt8]
    var at: Duration
  }
  struct World {
    var stick: SierraStick
    var now: Duration = .zero
    var faults = Faults()
    var arrivals: [Arrival] = []
    var sends = 0
    var sent: [[UInt8]] = []

    mutating func advance(to time: Duration) {
      now = max(now, time)
      deliver(stick.advance(to: now))
    }

    mutating func deliver(_ emissions: [Emission]) {
      for emission in emissions {
        let whole = faults.noise + emission.bytes
        let pieces = faults.pieces ?? whole.count
        for _ in 0..<(faults.duplicates ? 2 : 1) {
          for start in stride(from: 0, to: whole.count, by: max(1, pieces)) {
            arrivals.append(
              Arrival(
                port: emission.port, generation: stick.face?.generation ?? -1,
                bytes: Array(whole[start..<min(whole.count, start + pieces)]),
                at: max(emission.at, now)))
          }
        }
      }
    }
  }
  private let world: Mutex<World>

  init(_ stick: SierraStick, faults: Faults = Faults()) {
    var world = World(stick: stick)
    world.faults = faults
    world.stick.plug(at: .zero)
    self.world = Mutex(world)
  }

  var stick: SierraStick { world.withLock { $0.stick } }
  var sends: Int { world.withLock { $0.sends } }
  var sent: [[UInt8]] { world.withLock { $0.sent } }
  var now: Duration { world.withLock { $0.now } }

  func change(_ body: (inout World) -> Void) { world.withLock { body(&$0) } }

  /// Power off and on again, without faults.
  func replug() {
    change { world in
      world.faults = Faults()
      world.stick.unplug(at: world.now)
      world.stick.plug(at: world.now)
    }
  }

  /// Waits for a port of that role and opens it.
  func open(_ role: PortRole, within limit: Duration = .seconds(120)) -> TestLink? {
    world.withLock { world in
      let end = world.now + limit
      while true {
        if let face = world.stick.face, let port = face.ports.firstIndex(of: role) {
          return TestLink(self, port: port, generation: face.generation)
        }
        guard let due = world.stick.nextDue, due <= end else {
          world.advance(to: end)
          return nil
        }
        world.advance(to: due)
      }
    }
  }

  fileprivate func send(_ bytes: [UInt8], _ link: TestLink) throws(LinkError) {
    let isAlive = world.withLock { world in
      world.advance(to: world.now)
      guard world.stick.face?.generation == link.generation else { return false }
      world.sends += 1
      world.sent.append(bytes)
      let isCut = world.faults.cutAtSend == world.sends
      if !world.faults.lostSends.contains(world.sends), !isCut || world.faults.cutAfterDelivery {
        world.deliver(world.stick.receive(bytes, on: link.port, at: world.now))
      }
      if isCut {
        world.stick.unplug(at: world.now)
        world.arrivals = []
      }
      return true
    }
    if !isAlive { throw .gone }
  }

  fileprivate func receive(
    within limit: Duration, _ link: TestLink
  ) throws(LinkError) -> [UInt8] {
    let result: Result<[UInt8], LinkError> = world.withLock { world in
      let end = world.now + limit
      while true {
        guard world.stick.face?.generation == link.generation else { return .failure(.gone) }
        if let index = world.arrivals.firstIndex(where: link.isFor),
          world.arrivals[index].at <= world.now
        {
          return .success(world.arrivals.remove(at: index).bytes)
        }
        let next = [
          world.arrivals.first(where: link.isFor)?.at, world.stick.nextDue,
        ].compactMap { $0 }.min()
        guard let next, next <= end else {
          world.advance(to: end)
          return .failure(.silent)
        }
        world.advance(to: next)
      }
    }
    return try result.get()
  }
}

final class TestLink: ByteLink {
  private let cable: TestCable
  let port: Int
  let generation: Int

  init(_ cable: TestCable, port: Int, generation: Int) {
    self.cable = cable
    self.port = port
    self.generation = generation
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) { try cable.send(bytes, self) }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    try cable.receive(within: limit, self)
  }
  func pause(_ duration: Duration) async {
    cable.change { $0.advance(to: $0.now + duration) }
  }
  var now: Duration { cable.now }
  func close() async {}
  func isFor(_ arrival: TestCable.Arrival) -> Bool {
    arrival.port == port && arrival.generation == generation
  }
}

extension TestLink {
  /// Sends one command and returns everything that comes within two seconds.
  func command(_ text: String) async -> [String] {
    do { try await send([UInt8](text.utf8) + [13]) } catch { return [] }
    var bytes: [UInt8] = []
    while let more = try? await receive(within: .seconds(2)) { bytes += more }
    return String(decoding: bytes, as: UTF8.self).split { $0.isNewline }.map(String.init)
  }
}

/// A generator whose every run is repeated by its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

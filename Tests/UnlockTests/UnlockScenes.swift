import SmithBench
import SmithEngine
import SmithModel
import SmithSimulators
import SmithVendors
import Synchronization

/// An owner who says yes a given number of times and remembers what was said.
final class CountingOwner: UnlockOwner {
  private let yesses: Mutex<Int>
  private let heard = Mutex<[UnlockEvent]>([])
  private let asked = Mutex<[UnlockStep]>([])

  init(yes count: Int = .max) {
    yesses = Mutex(count)
  }

  var events: [UnlockEvent] { heard.withLock { $0 } }
  var steps: [UnlockStep] { asked.withLock { $0 } }
  var notes: [String] {
    events.compactMap { event in
      if case .note(let text) = event { return text }
      return nil
    }
  }

  func confirm(_ step: UnlockStep) async -> UnlockConsent? {
    asked.withLock { $0.append(step) }
    let agrees = yesses.withLock { count in
      count -= 1
      return count >= 0
    }
    return agrees ? UnlockConsent(how: "test") : nil
  }

  func hear(_ event: UnlockEvent) async {
    heard.withLock { $0.append(event) }
  }
}

/// A locked stick, its owner and its journals.
struct UnlockScene {
  typealias Stick = HuaweiBalongStick

  static let imei = "004999010640000"

  let bus: VirtualBus<Stick>
  let owner: CountingOwner
  let journal: MemoryUnlockJournal
  let surroundings: UnlockSurroundings

  init(
    tries: Int = 10, right: HuaweiUnlockAdvice.Version? = .v201, code: String? = nil,
    yes: Int = .max, room: Int? = nil, weather: Weather = Weather(),
    earlier: [[UnlockRecord]] = [], change: (inout Stick.Options) -> Void = { _ in },
    seed: UInt64 = 1, personality: Stick.Personality = .e3131, firmware: String? = nil,
    imei: String = Self.imei
  ) {
    var options = Stick.Options()
    options.locked = true
    options.tries = tries
    options.unlockCode = code ?? right.flatMap { Self.code($0) }
    change(&options)
    bus = VirtualBus(
      Stick(
        personality: personality, firmware: firmware.map { FirmwareVersion($0) }, imei: imei,
        options: options), weather: weather, seed: seed)
    owner = CountingOwner(yes: yes)
    let journal = MemoryUnlockJournal(room: room)
    self.journal = journal
    surroundings = UnlockSurroundings(
      newJournal: { () throws(Trouble) in journal }, earlier: { earlier }, tool: "test")
  }

  static func code(_ version: HuaweiUnlockAdvice.Version) -> String? {
    guard let codes = IMEI(imei).flatMap({ HuaweiCodes.codes(for: $0) }) else { return nil }
    return switch version {
    case .v1: codes.v1
    case .v2: codes.v2
    case .v201: codes.v201
    case .owners: nil
    }
  }

  func run(_ change: (inout UnlockRequest) -> Void = { _ in }) async -> UnlockReport {
    var request = UnlockRequest()
    change(&request)
    return await Unlocker(bus: bus, owner: owner, surroundings: surroundings)
      .run(request, at: bus.place)
  }

  /// Tries that the stick's own flash counts.
  var tries: Int { bus.body.flash.nv.lockTries }
  /// Lock status in the stick's own flash.
  var status: Int { bus.body.flash.nv.lockStatus }
  /// Attempts in the journal.
  var journaled: [UnlockAttempt] {
    journal.records.compactMap { record in
      if case .attempting(let attempt) = record { return attempt }
      return nil
    }
  }
}

import SmithBytes
public import SmithLink
import SmithModel

/// A simulated stick that knows what its USB side looks like.
public protocol USBDescribed: StickBody {
  /// Descriptors of the present face; nil while there is none.
  var usbDescription: USBDescription? { get }
  /// The disc that it shows instead until the host asks for the modem; nil if it shows none now.
  var usbDisc: USBDiscFace? { get }
  /// What it says because its host has begun: configured it, or opened a port.
  func greeting(at now: Duration) -> [Emission]
}

extension USBDescribed {
  /// Most sticks wait until they are asked.
  public func greeting(at now: Duration) -> [Emission] { [] }
}

/// A simulated stick that can be told never to come back.
public protocol USBLosable: USBStickBody {
  /// Whether the stick, when it leaves the bus the next time, never comes back.
  var vanishes: Bool { get set }
}

/// The disc that a model shows first.
public struct USBDiscFace: Sendable {
  /// Descriptors without the disc's own interface.
  public var description: USBDescription
  /// Vendor for INQUIRY.
  public var vendor: String
  /// Model for INQUIRY.
  public var model: String
  /// The disc.
  public var image: [UInt8]
  /// What ends it.
  public var triggers: Set<USBDiscTrigger>
  /// How long the stick is away after it.
  public var away: Duration = .milliseconds(1500)
}

/// A simulated stick on a simulated bus: its disc first, its own faces after the switch; serial
/// ports as bulk endpoints (Docs/Protocols/usbip.md section 3).
public struct USBStick<Body: USBDescribed>: USBStickBody, USBLosable {
  /// When the disc is shown.
  public enum DiscHabit: String, Sendable, CaseIterable {
    /// At every start of the running firmware.
    case always
    /// At the first start after power came.
    case once
    /// Never: the stick starts as a modem.
    case never
    /// At every start; it needs long to become a modem.
    case slow
    /// At every start; it never becomes a modem.
    case deaf
    /// At every start; where it should become a modem it comes back as the disc.
    case looping
  }

  private enum Shown: Equatable {
    case nothing
    case disc(Int)
    case body(Int)
  }

  /// The stick itself.
  public private(set) var body: Body
  /// The disc, while it is shown.
  public private(set) var disc: USBDisc?
  /// When the disc is shown.
  public var habit: DiscHabit
  /// Whether the stick, when it leaves the bus the next time, never comes back.
  public var vanishes = false

  private var shown = Shown.nothing
  private var description: USBDescription?
  private var generation = 0
  private var configuration: UInt8 = 0
  private var settings: [UInt8: UInt8] = [:]
  /// What a control request set in motion; handed out at the next turn.
  private var pending: [USBEmission] = []
  /// Generation of the body whose disc was given up, and when it is back on the bus.
  private var switched: (generation: Int, at: Duration)?
  private var discSeen = false
  private var clock: Duration = .zero

  /// A stick without power.
  public init(_ body: Body, disc habit: DiscHabit = .once) {
    self.body = body
    self.habit = habit
  }

  /// Looks at the stick itself or changes it.
  public mutating func change<Result>(_ work: (inout Body) -> Result) -> Result { work(&body) }

  // MARK: What the bus sees

  /// What the bus sees now.
  public var usbFace: USBFace? {
    description?.face(generation: generation, configuration: configuration)
  }

  /// Descriptors of what the bus sees now.
  public var usbDescription: USBDescription? { description }

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? {
    let appears = switched.flatMap { $0.at > clock ? $0.at : nil }
    return [body.nextDue, appears, pending.first?.at].compactMap { $0 }.min()
  }

  /// Performs what falls due.
  public mutating func advance(to now: Duration) -> [USBEmission] {
    clock = max(clock, now)
    let emissions = body.advance(to: now)
    look()
    defer { pending = [] }
    return pending + emissions.compactMap(emission)
  }

  /// Gives power.
  public mutating func plug(at now: Duration) {
    clock = max(clock, now)
    discSeen = false
    body.plug(at: now)
    look()
  }

  /// Takes power.
  public mutating func unplug(at now: Duration) {
    clock = max(clock, now)
    body.unplug(at: now)
    switched = nil
    look()
  }

  /// Shows what the stick is now; a change is a new enumeration.
  private mutating func look() {
    let next = wanted
    guard next != shown else { return }
    if vanishes, shown != .nothing {
      show(.nothing, nil)
      return
    }
    switch next {
    case .nothing: show(next, nil)
    case .disc: showDisc(next)
    case .body: show(next, body.usbDescription)
    }
  }

  private var wanted: Shown {
    guard let face = body.face else { return .nothing }
    if vanishes, shown == .nothing, generation > 0 { return .nothing }
    if let switched, switched.generation == face.generation {
      if switched.at > clock { return .nothing }
      return habit == .looping ? .disc(face.generation) : .body(face.generation)
    }
    // What is shown of a start stays until the stick starts anew.
    if shown == .body(face.generation) || shown == .disc(face.generation) { return shown }
    let hidden = habit == .never || (habit == .once && discSeen)
    return hidden || body.usbDisc == nil ? .body(face.generation) : .disc(face.generation)
  }

  private mutating func show(_ next: Shown, _ new: USBDescription?) {
    shown = next
    description = new
    disc = nil
    configuration = 0
    settings = [:]
    pending = []
    if new != nil { generation += 1 }
  }

  private mutating func showDisc(_ next: Shown) {
    guard let face = body.usbDisc else { return show(next, nil) }
    var description = face.description
    description.addBulkPair(USBFace.Kind(8, 6, 0x50), name: "Mass Storage", use: .disc)
    show(next, description)
    discSeen = true
    disc = USBDisc(
      vendor: face.vendor, model: face.model, image: face.image, triggers: face.triggers,
      input: 0x81, output: 0x01)
  }

  /// The host wants the modem.
  private mutating func giveUpDisc() {
    guard habit != .deaf, let face = body.face, let disc = body.usbDisc else { return }
    switched = (face.generation, clock + (habit == .slow ? .seconds(15) : disc.away))
    look()
  }

  // MARK: Endpoints

  private func emission(_ emission: Emission) -> USBEmission? {
    guard case .body = shown, let endpoint = description?.bulkIn(for: .serial(emission.port))
    else { return nil }
    return USBEmission(endpoint: endpoint, .transfer(emission.bytes), at: emission.at)
  }

  /// Takes one transfer to an OUT endpoint.
  public mutating func take(_ bytes: [UInt8], endpoint: UInt8, at now: Duration)
    -> [USBEmission]
  {
    clock = max(clock, now)
    switch description?.interface(of: endpoint)?.use {
    case .disc:
      guard let (out, switches) = disc?.take(bytes, at: now) else { return [] }
      if switches { giveUpDisc() }
      return out
    case .serial(let port):
      // A transfer without bytes ends another one; a serial port does not see it.
      guard !bytes.isEmpty else { return [] }
      let emissions = body.receive(bytes, on: port, at: now)
      let out = emissions.compactMap(emission)
      look()
      return out
    case .network: return card(bytes)
    case .idle, nil: return []
    }
  }

  private mutating func card(_ frame: [UInt8]) -> [USBEmission] {
    guard let endpoint = description?.bulkIn(for: .network), var card = body as? any USBNetworked
    else { return [] }
    let frames = card.takeFrame(frame, at: clock)
    if let changed = card as? Body { body = changed }
    return frames.map { USBEmission(endpoint: endpoint, .transfer($0), at: clock) }
  }

  // MARK: Endpoint zero

  /// Answers a request on endpoint zero.
  public mutating func control(_ request: USBRequest, data: [UInt8], at now: Duration)
    -> USBAnswer
  {
    clock = max(clock, now)
    guard let description else { return .stall }
    switch request.type & 0x60 {
    case 0x00: return standard(request, description)
    case 0x20: return ofClass(request, description)
    case 0x40: return ofVendor(request)
    default: return .stall
    }
  }

  private mutating func standard(_ request: USBRequest, _ description: USBDescription)
    -> USBAnswer
  {
    let recipient = request.type & 0x1f
    switch (request.isIn, request.request) {
    case (true, 0): return .done([0, 0])
    case (true, 6):
      guard
        let bytes = description.descriptor(
          type: UInt8(request.value >> 8), index: UInt8(request.value & 0xff))
      else { return .stall }
      return .done(Array(bytes.prefix(Int(request.length))))
    case (true, 8): return .done([configuration])
    case (true, 10): return .done([settings[UInt8(truncatingIfNeeded: request.index)] ?? 0])
    case (false, 1):
      // Clearing a halt is the work of whoever keeps the queues.
      return .done([])
    case (false, 3):
      if recipient == 0, request.value == 1 { return feature() }
      return .done([])
    case (false, 9):
      guard request.value <= 1 else { return .stall }
      configuration = UInt8(request.value)
      settings = [:]
      if configuration > 0 { greet() }
      return .done([])
    case (false, 11): return choose(request, description)
    default: return .stall
    }
  }

  /// What was said before the host listened was said to nobody, so it is said now.
  private mutating func greet() {
    pending += body.greeting(at: clock).compactMap(emission)
  }

  private mutating func choose(_ request: USBRequest, _ description: USBDescription) -> USBAnswer {
    guard
      let interface = description.interfaces.first(where: { $0.number == request.index }),
      Int(request.value) < interface.settings.count
    else { return .stall }
    settings[interface.number] = UInt8(request.value)
    return .done([])
  }

  /// Remote wake-up, which on the oldest Huawei sticks means: be a modem.
  private mutating func feature() -> USBAnswer {
    if disc != nil, body.usbDisc?.triggers.contains(.feature) == true { giveUpDisc() }
    return .done([])
  }

  private mutating func ofClass(_ request: USBRequest, _ description: USBDescription)
    -> USBAnswer
  {
    let interface = description.interfaces.first { UInt16($0.number) == request.index & 0xff }
    switch (interface?.use, request.request) {
    case (.disc, 0xfe) where request.isIn: return .done([0])
    case (.disc, 0xff) where !request.isIn:
      disc?.reset()
      return .done([])
    // Line coding and line state of a serial port mean nothing on USB, but are asked for.
    case (.serial, 0x21) where request.isIn:
      return .done([0x00, 0xc2, 0x01, 0x00, 0, 0, 8])
    case (.serial, 0x22):
      // A port that is opened or closed forgets what nobody has read.
      let address = interface.flatMap { description.bulkIn(for: $0.use) } ?? 0
      pending.append(USBEmission(endpoint: address, .forget, at: clock))
      if request.value & 1 != 0 { greet() }
      return .done([])
    case (.serial, 0x20), (.serial, 0x23): return .done([])
    // The packet filter of a network card.
    case (.network, 0x43), (.idle, 0x43): return .done([])
    default: return .stall
    }
  }

  private mutating func ofVendor(_ request: USBRequest) -> USBAnswer {
    if disc != nil, !request.isIn, request.request == 0x0b,
      body.usbDisc?.triggers.contains(.sierra) == true
    {
      giveUpDisc()
      return .done([])
    }
    // Set-up requests of the kernel's drivers: power and position reports.
    if !request.isIn, [0x00, 0x07].contains(request.request) { return .done([]) }
    return .stall
  }
}

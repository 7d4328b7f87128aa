/// One step of switching a stick.
public enum SwitchStep: Equatable, Sendable {
  /// Waits.
  case wait(Duration)
  /// Sends a bulk-only wrapper and reads the status that may follow.
  case message([UInt8])
  /// Makes a control request; `mayFail` where the stick leaves before it answers.
  case control(UsbRequest, mayFail: Bool)
  /// Only takes the drive away from the kernel.
  case detach
  /// Chooses a configuration.
  case configuration(Int)
  /// Chooses an alternate setting.
  case alternate(Int)
  /// Resets the device.
  case reset
}

/// What is to be done to switch a stick, and how success will look
/// (Docs/Protocols/usb-modes.md section 6).
public struct SwitchRecipe: Equatable, Sendable {
  /// The steps in order.
  public var steps: [SwitchStep]
  /// The interface that messages go to.
  public var interface: Int
  /// Endpoint of messages, if the data insists on one.
  public var output: UInt8?
  /// Endpoint of answers, if the data insists on one.
  public var input: UInt8?
  /// How long to wait before the interface is given back.
  public var releaseDelay: Duration
  /// How long the stick may take to come back.
  public var limit: Duration
  /// Whether the device keeps its id and place on the bus: a configuration is no re-plug.
  public var staysOnBus: Bool

  /// Methods for devices of other makers that we know by name only.
  static let foreign = [
    "sonymode", "gctmode", "kobilmode", "sequansmode", "mobileactionmode", "qisdamode",
    "quantamode", "pantechmode", "blackberrymode", "ciscomode", "stericssonmode",
  ]

  /// Makes the recipe of an entry.
  ///
  /// - Throws: `.foreignMethod` if the data names only a method that is not ours,
  ///   `.nothingToDo` if it names none.
  public init(_ config: SwitchConfig) throws(SwitchError) {
    steps = []
    staysOnBus = false
    interface = config.number("interface") ?? 0
    output = config.number("messageendpoint").flatMap { UInt8(exactly: $0) }
      .flatMap { $0 == 0 ? nil : $0 }
    input = config.number("responseendpoint").flatMap { UInt8(exactly: $0) }
      .flatMap { $0 == 0 ? nil : $0 | 0x80 }
    releaseDelay = .milliseconds(min(max(config.number("releasedelay") ?? 0, 0), 60_000))
    let seconds = min(max(config.number("checksuccess") ?? 20, 20), 120)
    limit = .seconds(seconds)
    let wait = min(max(config.number("waitbefore") ?? 0, 0), 60)
    if wait > 0 { steps.append(.wait(.seconds(wait))) }
    let before = steps.count
    if config.isOn("detachstorageonly") { steps.append(.detach) }
    addMethods(config)
    let messages = steps.count > before
    if let value = config.number("configuration"), (0...255).contains(value) {
      steps.append(.configuration(value))
    }
    if let value = config.number("altsetting"), (0...255).contains(value) {
      steps.append(.alternate(value))
    }
    if config.isOn("resetusb") { steps.append(.reset) }
    staysOnBus = !messages && config.targets.isEmpty
    guard steps.count > before else {
      let names = Self.foreign.filter { config.values[$0] != nil && config.number($0) != 0 }
      if let name = names.first { throw .foreignMethod(name, config.source) }
      throw .nothingToDo(config.source)
    }
  }

  private mutating func addMethods(_ config: SwitchConfig) {
    if config.isOn("standardeject") {
      steps += [.message(SwitchMessages.allowRemoval), .message(SwitchMessages.eject)]
    }
    if config.isOn("huaweimode") {
      // SET_FEATURE device remote wake-up; the stick leaves instead of answering.
      steps.append(.control(UsbRequest(type: 0, request: 3, value: 1), mayFail: true))
    }
    if config.isOn("huaweinewmode") {
      let isAlternative = config.isOn("althuaweimode")
      steps.append(
        .message(isAlternative ? SwitchMessages.huaweiAlternative : SwitchMessages.huaweiNew))
    }
    if config.isOn("huaweialtmode") { steps.append(.message(SwitchMessages.huaweiAlternative)) }
    if config.isOn("sierramode") {
      steps.append(
        .control(UsbRequest(type: 0x40, request: 0x0b, value: 1), mayFail: true))
    }
    if config.isOn("optionmode") { steps.append(.message(SwitchMessages.optionRezero)) }
    steps += config.messages.map { .message($0) }
  }
}

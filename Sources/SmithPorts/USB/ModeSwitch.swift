import SmithModel

/// Time as a procedure sees it; virtual in tests.
public struct Timepiece: Sendable {
  /// The time since some fixed moment.
  public var now: @Sendable () -> Duration
  /// Waits.
  public var pause: @Sendable (Duration) async -> Void

  /// Gathers the parts.
  public init(
    now: @escaping @Sendable () -> Duration, pause: @escaping @Sendable (Duration) async -> Void
  ) {
    self.now = now
    self.pause = pause
  }

  /// The system's monotonic time.
  public static let system = Timepiece(
    now: { MonotonicClock.now }, pause: { try? await Task.sleep(for: $0) })
}

/// How switching ended well.
public enum SwitchOutcome: Equatable, Sendable {
  /// It is a modem now; and what was done, one line each.
  case switched(StickSighting, notes: [String])
  /// It was no drive any more when we looked.
  case alreadySwitched(StickSighting)
}

/// Makes a modem of a fake CD (Docs/Protocols/usb-modes.md section 6): sends what the data says,
/// and watches the place, not the id. The same message is never repeated to a stick that keeps
/// coming back: that is how switch loops are made.
public struct ModeSwitch: Sendable {
  private let look: @Sendable (String) -> StickSighting?
  private let config: @Sendable (UsbDevice) -> SwitchConfig?
  private let hasInstalledData: Bool
  private let open: @Sendable (UsbDevice) throws(UsbError) -> any UsbTalk
  private let time: Timepiece

  private static let step = Duration.milliseconds(100)
  /// How long a stick has to stay the same before we believe it.
  private static let settling = Duration.milliseconds(500)
  /// What a stick that has left is given on top: big ones take their time.
  private static let patience = Duration.seconds(30)

  /// Gathers what is needed.
  ///
  /// - Parameters:
  ///   - usb: where sticks are looked for.
  ///   - open: opens a device; blocks its thread.
  public init(
    usb: SysfsUSB, knowledge: UsbKnowledge, data: SwitchData, time: Timepiece = .system,
    open: @escaping @Sendable (UsbDevice) throws(UsbError) -> any UsbTalk
  ) {
    look = { place in usb.device(at: place).flatMap { knowledge.sighting(of: $0) } }
    config = { data.config(for: $0, knowledge: knowledge) }
    hasInstalledData = data.hasInstalledData
    self.open = open
    self.time = time
  }

  /// Switches the stick at a place.
  ///
  /// - Throws: ``SwitchError``; the kernel driver has its interface back then.
  public func run(at place: String) async throws(SwitchError) -> SwitchOutcome {
    guard let first = look(place) else { throw .absent(place) }
    guard var config = config(first.device) else {
      if first.state != .fakeCD { return .alreadySwitched(first) }
      throw .unknownStick(first.device.id, dataInstalled: hasInstalledData)
    }
    // What is no drive any more needs no recipe, even where the data names a foreign one.
    if first.state != .fakeCD, !Self.wantsConfiguration(config, first.device) {
      return .alreadySwitched(first)
    }
    var recipe = try SwitchRecipe(config)
    var notes = ["method: \(config.source)"]
    var current = first
    for attempt in 1...2 {
      notes += try await perform(recipe, on: current.device)
      switch await watch(current, recipe) {
      case .settled(let found):
        if !config.targets.isEmpty, !config.targets.contains(found.device.id) {
          notes.append("\(found.device.id) is not among the ids that the data expects")
        }
        return .switched(found, notes: notes)
      case .cameBack(let other, let times):
        // A second stage under another id is a stick of its own; the same id again is a loop.
        guard attempt == 1, times == 1, other.device.id != current.device.id,
          let next = self.config(other.device)
        else { throw .looping(place, times) }
        config = next
        recipe = try SwitchRecipe(config)
        current = other
        notes.append("second stage: \(config.source)")
      case .away: throw .didNotReturn(place)
      case .unmoved:
        guard attempt == 1, let other = Self.fallback(recipe, current.device) else {
          throw .refused(place, current.device.id)
        }
        recipe.steps = other
        notes.append("it did not move; trying the other way")
      }
    }
    throw .refused(place, current.device.id)
  }

  private enum Seen {
    case settled(StickSighting)
    case cameBack(StickSighting, Int)
    case away, unmoved
  }

  /// Watches the place until something is certain.
  private func watch(_ before: StickSighting, _ recipe: SwitchRecipe) async -> Seen {
    let start = time.now()
    var last = before
    var since = start
    var times = 0
    var hasLeft = false
    while true {
      let now = time.now()
      let seen = look(before.device.place)
      if let seen {
        if seen.device.number != last.device.number || seen.device.id != last.device.id {
          hasLeft = true
          since = now
          if seen.state == .fakeCD { times += 1 }
        } else if seen.state != last.state
          || seen.device.configuration != last.device.configuration
        {
          since = now
        }
        last = seen
        let isSteady = now - since >= Self.settling
        let isChanged =
          seen.state != .fakeCD
          && (hasLeft || seen.state != before.state
            || recipe.staysOnBus && seen.device.configuration != before.device.configuration)
        if isSteady, isChanged, !seen.device.interfaces.isEmpty { return .settled(seen) }
        // Two returns as a drive are a loop; one is certain only after the stick had its time.
        if times >= 2 { return .cameBack(seen, times) }
        if times == 1, seen.state == .fakeCD, now - since >= .seconds(3) {
          return .cameBack(seen, times)
        }
      } else {
        hasLeft = true
      }
      let limit = recipe.limit + (hasLeft ? Self.patience : .zero)
      if now - start >= limit {
        if seen == nil { return .away }
        return times > 0 ? .cameBack(last, times) : .unmoved
      }
      await time.pause(Self.step)
    }
  }

  /// Sends what the recipe says; a stick that leaves in the middle has understood.
  private func perform(_ recipe: SwitchRecipe, on device: UsbDevice) async throws(SwitchError)
    -> [String]
  {
    var notes: [String] = []
    var talk: (any UsbTalk)?
    var isClaimed = false
    // Interfaces are given back in every case, the driver with them.
    defer { if isClaimed { talk?.release(recipe.interface) } }
    do throws(UsbError) {
      for step in recipe.steps {
        if case .wait(let duration) = step {
          await time.pause(duration)
          continue
        }
        let open: any UsbTalk
        if let talk { open = talk } else { open = try self.open(device) }
        talk = open
        if !isClaimed, step != .detach, !Self.isForDevice(step) {
          try open.claim(recipe.interface)
          isClaimed = true
        }
        if case .configuration = step, isClaimed {
          // The kernel lets nobody change the configuration under a claimed interface.
          open.release(recipe.interface)
          isClaimed = false
        }
        if let note = try carryOut(step, open, recipe, device) { notes.append(note) }
      }
      await time.pause(recipe.releaseDelay)
    } catch {
      switch error {
      case .gone: notes.append("it left at once, as it should")
      default: throw .device(error)
      }
    }
    return notes
  }

  private static func isForDevice(_ step: SwitchStep) -> Bool {
    switch step {
    case .configuration, .reset: true
    default: false
    }
  }

  private func carryOut(
    _ step: SwitchStep, _ talk: any UsbTalk, _ recipe: SwitchRecipe, _ device: UsbDevice
  ) throws(UsbError) -> String? {
    switch step {
    case .wait: break
    case .message(let bytes): return try message(bytes, talk, recipe, device)
    case .control(let request, let mayFail):
      do throws(UsbError) {
        _ = try talk.control(request, within: .seconds(3))
      } catch {
        guard mayFail, error != .gone else { throw error }
        return "the control request was not acknowledged"
      }
    case .detach: try talk.detachDriver(recipe.interface)
    case .configuration(let value): try talk.setConfiguration(value)
    case .alternate(let value): try talk.setAlternate(value, of: recipe.interface)
    case .reset: try talk.reset()
    }
    return nil
  }

  /// Sends one wrapper, then takes the data and the status that belong to it.
  private func message(
    _ bytes: [UInt8], _ talk: any UsbTalk, _ recipe: SwitchRecipe, _ device: UsbDevice
  ) throws(UsbError) -> String? {
    let pair = device.descriptors?
      .setting(recipe.interface, configuration: device.configuration)?.bulkPair
    let output = recipe.output ?? pair?.output.address ?? 1
    let input = recipe.input ?? pair?.input.address ?? 0x81
    do throws(UsbError) {
      _ = try talk.send(bytes, to: output, within: .seconds(3))
    } catch {
      guard error == .stalled || error == .silent else { throw error }
      try? talk.clearHalt(output)
      return "one message was not taken"
    }
    // Only a wrapper has a status; other messages are all there is.
    guard bytes.count == 31, bytes.starts(with: [0x55, 0x53, 0x42, 0x43]) else { return nil }
    let data = (8..<12).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    if data > 0, bytes[12] & 0x80 != 0 {
      if let status = try received(min(data, 65_536), from: input, talk), isStatus(status) {
        return note(status)
      }
    }
    guard let status = try received(13, from: input, talk), isStatus(status) else {
      return "no status came back"
    }
    return note(status)
  }

  private func received(_ count: Int, from input: UInt8, _ talk: any UsbTalk) throws(UsbError)
    -> [UInt8]?
  {
    for _ in 0..<2 {
      do throws(UsbError) {
        return try talk.receive(count, from: input, within: .seconds(3))
      } catch {
        switch error {
        case .stalled: try talk.clearHalt(input)
        case .silent: return nil
        default: throw error
        }
      }
    }
    return nil
  }

  private func isStatus(_ bytes: [UInt8]) -> Bool {
    bytes.count == 13 && bytes.starts(with: [0x55, 0x53, 0x42, 0x53])
  }

  private func note(_ status: [UInt8]) -> String? {
    status[12] == 0 ? nil : "the stick answered with status \(status[12])"
  }

  /// What else may move a stick that took a message and stayed.
  private static func fallback(_ recipe: SwitchRecipe, _ device: UsbDevice) -> [SwitchStep]? {
    if device.id.vendor == 0x1bbb {
      var second = SwitchMessages.m1
      // The same to the second drive; one X220L listens only there.
      second[8...11] = [0, 0, 0, 0xc0]
      second[13] = 1
      return [.message(second)]
    }
    let eject: [SwitchStep] = [
      .message(SwitchMessages.allowRemoval), .message(SwitchMessages.eject),
    ]
    let usesMessages = recipe.steps.contains {
      if case .message = $0 { true } else { false }
    }
    return usesMessages && !recipe.steps.contains(eject[1]) ? eject : nil
  }

  /// Whether the data wants another configuration than the one that is active.
  private static func wantsConfiguration(_ config: SwitchConfig, _ device: UsbDevice) -> Bool {
    guard let value = config.number("configuration"), let active = device.configuration,
      config.messages.isEmpty, !config.isOn("standardeject"),
      device.descriptors?.configurations.contains(where: { $0.value == value }) == true
    else { return false }
    return value != active
  }
}

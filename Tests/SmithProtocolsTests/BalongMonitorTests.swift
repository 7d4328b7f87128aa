import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

/// A stick that waits in download mode, and one item for it.
private struct Bench {
  var stick: HuaweiBalongStick
  var weather = Weather()
  var seed: UInt64 = 1
  let data: [UInt8]

  init(_ personality: HuaweiBalongStick.Personality, options: HuaweiBalongStick.Options = .init()) {
    stick = HuaweiBalongStick(personality: personality, options: options)
    stick.flash.allPartsComplete = false
    var dice = Seeded(7)
    // Full of flags and escapes, and not a multiple of the block size.
    data = (0..<10_007).map { _ in
      [0x7e, 0x7d, 0x00, UInt8(dice.next() % 256)][Int(dice.next() % 4)]
    }
  }

  func item(_ id: UInt32 = 0x105) -> BalongItem {
    let data = self.data
    return BalongItem(id: id, name: "Kernel", size: data.count) { () throws(Trouble) in
      var next = 0
      return { (count: Int) throws(Trouble) -> [UInt8] in
        defer { next += count }
        return [UInt8](data[next..<min(next + count, data.count)])
      }
    }
  }

  /// Opens a session and writes the item; the stick afterwards.
  func write(signature: BalongSignature? = nil) async throws -> HuaweiBalongStick {
    let bus = VirtualBus(stick, weather: weather, seed: seed)
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(20))
    let link = try await bus.open(port)
    let state = try await BalongProbe(link).state(expectingDownload: true)
    let monitor = BalongMonitor(link)
    _ = try await monitor.open(state, signature: signature)
    try await monitor.write(item()) { _ in }
    return bus.body
  }
}

@Suite("Balong download monitor") struct BalongMonitorTests {
  @Test(
    "What is written is on the flash to the byte, whatever the monitor",
    arguments: [
      false, true,
    ], HuaweiBalongStick.Personality.all.map(\.name))
  func written(strict: Bool, name: String) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    var options = HuaweiBalongStick.Options()
    options.strict = strict
    let bench = Bench(personality, options: options)
    let stick = try await bench.write()
    #expect(stick.flash.item(0x105)?.bytes == bench.data)
    #expect(stick.flash.item(0x105)?.state == .complete)
    // A strict monitor complains of the probe, which cannot know better, and of nothing else.
    #expect(stick.complaints.count <= (strict ? 1 : 0), "\(stick.complaints)")
  }

  @Test("Replies that arrive byte by byte are understood") func splitEverywhere() async throws {
    var options = HuaweiBalongStick.Options()
    options.answerChunking = 1
    let bench = Bench(.e3372h, options: options)
    #expect(try await bench.write().flash.item(0x105)?.bytes == bench.data)
  }

  @Test(
    "Lost, damaged, late and doubled messages cost repeats, never a wrong byte",
    arguments: [
      "drop", "corrupt", "delay", "duplicate", "noise",
    ])
  func weather(_ kind: String) async throws {
    for seed in UInt64(1)...40 {
      var bench = Bench(seed.isMultiple(of: 2) ? .e3131 : .e3372h)
      bench.seed = seed
      switch kind {
      case "drop": bench.weather.drop = 0.05
      case "corrupt": bench.weather.corrupt = 0.05
      case "delay": bench.weather.delay = 0.1
      case "duplicate": bench.weather.duplicate = 0.2
      default: bench.weather.noise = 0.2
      }
      do {
        let item = try await bench.write().flash.item(0x105)
        #expect(item?.bytes == bench.data, "\(kind), seed \(seed)")
      } catch let error as BalongError {
        // A V3R3 monitor resets itself when blocks fall out of step; the route goes on from there.
        // Giving up in time is allowed, a wrong byte is not.
        #expect(error.isExpectedInFoulWeather, "\(kind), seed \(seed): \(error)")
      }
    }
  }

  @Test("A monitor without DATAMODE is written to all the same") func noDataMode() async throws {
    var options = HuaweiBalongStick.Options()
    options.refusesDataMode = true
    let bench = Bench(.e3131, options: options)
    #expect(try await bench.write().flash.item(0x105)?.bytes == bench.data)
  }

  @Test("A signed monitor takes the announced signature, and refuses a bare package in words")
  func signatures() async throws {
    var options = HuaweiBalongStick.Options()
    options.signed = true
    options.strict = true
    let bench = Bench(.e3372h, options: options)
    let signature = BalongSignature(
      type: 1, keyHash: (0..<32).map { UInt8($0) }, size: 2958)
    #expect(try await bench.write(signature: signature).flash.item(0x105)?.bytes == bench.data)
    let refused = await #expect(throws: BalongError.self) { try await bench.write() }
    #expect(refused?.trouble.code == "balong.datamode-refused")
    #expect(refused == .datamodeRefused(answer: "ERROR", announced: false))
    for (answer, announced, first) in [
      ("ERROR", false, "signed package"), ("ERROR", true, "Unplug the stick"),
      ("AT^DATAMODE OK", false, "Close other programs"), ("", true, "Close other programs"),
    ] {
      let trouble = BalongError.datamodeRefused(answer: answer, announced: announced).trouble
      #expect(trouble.advice.first?.contains(first) == true, "\(answer) \(announced)")
    }
  }

  @Test("A signature that the stick does not know ends before anything is written")
  func unknownKey() async throws {
    var options = HuaweiBalongStick.Options()
    options.signed = true
    options.signatureLengths = [1110]
    let bench = Bench(.e3372h, options: options)
    let signature = BalongSignature(type: 1, keyHash: [UInt8](repeating: 9, count: 32), size: 2958)
    let error = await #expect(throws: BalongError.self) {
      try await bench.write(signature: signature)
    }
    #expect(error?.trouble.code == "balong.signature-refused")
  }

  @Test(
    "Refusals are named in words",
    arguments: [
      (UInt8(0x02), "destination out of range"), (0x07, "operation failed"),
      (0x0c, "security code wrong"), (0x0a, "authentication failed"),
    ])
  func words(code: UInt8, words: String) {
    let refusal = BalongRefusal(code: code)
    #expect(refusal.description.contains(words))
    #expect(BalongError.itemRefused(item: "Kernel", refusal).trouble.code == "balong.item-refused")
    #expect(
      BalongError.blockRefused(item: "Kernel", block: 3, refusal).trouble.code
        == "balong.block-refused")
  }

  @Test("An item that the stick does not know is refused by name") func refusedItem() async throws {
    let bench = Bench(.e3131)
    let bus = VirtualBus(bench.stick)
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(20))
    let link = try await bus.open(port)
    let monitor = BalongMonitor(link)
    _ = try await monitor.open(.download(monitor: ""), signature: nil)
    await #expect(throws: BalongError.itemRefused(item: "Kernel", BalongRefusal(code: 7))) {
      try await monitor.write(bench.item(0x00ff_0000)) { _ in }
    }
  }

  @Test("A stick that falls silent ends in a trouble, within a bounded time") func silence()
    async throws
  {
    let bench = Bench(.e3372h)
    let bus = VirtualBus(bench.stick)
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(20))
    let link = try await bus.open(port)
    let monitor = BalongMonitor(link)
    _ = try await monitor.open(.download(monitor: ""), signature: nil)
    var deaf = Weather()
    deaf.drop = 1
    bus.setWeather(deaf)
    let start = bus.now
    let error = await #expect(throws: BalongError.self) {
      try await monitor.write(bench.item()) { _ in }
    }
    #expect(error?.trouble.code == "balong.no-answer")
    #expect(bus.now - start < .seconds(600))
  }
}

@Suite("Balong probe") struct BalongProbeTests {
  private func state(
    _ stick: HuaweiBalongStick, expectingDownload: Bool, role: PortRole = .at
  ) async throws -> BalongState {
    let bus = VirtualBus(stick)
    let port = try await bus.port(at: bus.place, as: role, within: .seconds(20))
    return try await BalongProbe(try await bus.open(port)).state(
      expectingDownload: expectingDownload)
  }

  @Test(
    "Normal firmware, a waiting monitor and a boot ROM are told apart by asking",
    arguments: [
      false, true,
    ])
  func states(expectingDownload: Bool) async throws {
    for personality in HuaweiBalongStick.Personality.all {
      for strict in [false, true] {
        var options = HuaweiBalongStick.Options()
        options.strict = strict
        var stick = HuaweiBalongStick(personality: personality, options: options)
        #expect(try await state(stick, expectingDownload: expectingDownload) == .normal)
        stick.flash.allPartsComplete = false
        let waiting = try await state(stick, expectingDownload: expectingDownload)
        switch waiting {
        case .download: #expect(!strict || !expectingDownload)
        case .downloadAT: #expect(strict)
        default: Issue.record("\(personality.name), strict \(strict): \(waiting)")
        }
      }
    }
  }

  @Test("A port where nobody answers is silent, not an error") func silent() async throws {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3131))
    var deaf = Weather()
    deaf.drop = 1
    bus.setWeather(deaf)
    let link = try await bus.open(
      try await bus.port(at: bus.place, as: .at, within: .seconds(20)))
    #expect(try await BalongProbe(link).state(expectingDownload: false) == .silent)
  }
}

extension BalongError {
  fileprivate var isExpectedInFoulWeather: Bool {
    switch self {
    case .noAnswer, .blockRefused, .itemRefused, .link(.gone), .wrongMonitor, .datamodeRefused,
      .notDownloadMode:
      true
    default: false
    }
  }
}

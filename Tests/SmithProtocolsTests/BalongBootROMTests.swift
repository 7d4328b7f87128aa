import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Synchronization
import Testing

/// A bricked stick, and parts of noise for its chip.
private struct Bench {
  var stick: HuaweiBalongStick
  let parts: [BootROMPart]

  init(
    _ options: HuaweiBalongStick.Options = .init(), loader: UInt32 = 0x3000_4000,
    size: Int = 9001
  ) {
    stick = HuaweiBalongStick(personality: .e3276, options: options)
    stick.flash.brick()
    var dice = Seeded(3)
    func noise(_ count: Int) -> SharedBytes {
      SharedBytes((0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) })
    }
    parts = [
      BootROMPart(name: "set-up", mode: 1, address: 0x2ffe_4000, bytes: noise(876)),
      BootROMPart(name: "loader", mode: 2, address: loader, bytes: noise(size)),
    ]
  }

  func link(_ bus: VirtualBus<HuaweiBalongStick>) async throws -> any ByteLink {
    try await bus.open(try await bus.port(at: bus.place, as: .bootROM, within: .seconds(1)))
  }

  func load(over link: any ByteLink) async throws {
    let rom = BalongBootROM(link)
    #expect(try await rom.isThere())
    for (index, part) in parts.enumerated() {
      try await rom.load(part, isLast: index == parts.count - 1) { _ in }
    }
  }
}

/// Answers from a list, whatever is sent.
private final class Parrot: ByteLink {
  private let answers: Mutex<[[UInt8]]>
  private let time = Mutex(Duration.zero)

  init(_ answers: [[UInt8]]) { self.answers = Mutex(answers) }

  func send(_ bytes: [UInt8]) async throws(LinkError) {}
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    // What is asked for without waiting is not there yet.
    guard limit > .zero else { throw .silent }
    time.withLock { $0 += limit }
    let next = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let next else { throw .silent }
    if next.isEmpty { throw .gone }
    return next
  }
  func pause(_ duration: Duration) async { time.withLock { $0 += duration } }
  var now: Duration { time.withLock { $0 } }
  func close() async {}
}

@Suite("Balong boot ROM") struct BalongBootROMTests {
  private let one = BootROMPart(name: "set-up", mode: 1, address: 0, bytes: SharedBytes([1, 2, 3]))

  private func code(_ answers: [[UInt8]], isLast: Bool = false) async -> String? {
    do throws(BootROMError) {
      try await BalongBootROM(Parrot(answers)).load(one, isLast: isLast) { _ in }
      return nil
    } catch { return error.trouble.code }
  }

  @Test("takes a loader to the byte, and its download monitor answers afterwards")
  func whole() async throws {
    // More than 255 blocks, so that their number begins anew.
    let bench = Bench(size: 300_001)
    let bus = VirtualBus(bench.stick)
    try await bench.load(over: try await bench.link(bus))
    #expect(bus.body.complaints.isEmpty, "\(bus.body.complaints)")
    await bus.pause(.seconds(1))
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(60))
    let state = try await BalongProbe(try await bus.open(port)).state(expectingDownload: true)
    #expect(state == .download(monitor: "7200B--SKCBADZM"))
    #expect(bus.body.flash.nv == bench.stick.flash.nv)
  }

  @Test("starts over after the power was cut at any send") func cut() async throws {
    let bench = Bench()
    let calm = VirtualBus(bench.stick)
    try await bench.load(over: try await bench.link(calm))
    // The last one is another matter: a port that vanishes then may have started the loader.
    for send in 1..<calm.sends {
      let bus = VirtualBus(bench.stick)
      var weather = Weather()
      weather.unplugAtSend = send
      bus.setWeather(weather)
      await #expect(throws: (any Error).self, "send \(send)") {
        try await bench.load(over: try await bench.link(bus))
      }
      bus.setWeather(Weather())
      bus.replug()
      #expect(bus.body.flash == bench.stick.flash)
      try await bench.load(over: try await bench.link(bus))
    }
  }

  @Test("refuses the end of a loader for another chip, and that is named") func otherChip()
    async throws
  {
    for bench in [Bench(loader: 0x3010_4000), Bench(Self.secure)] {
      let bus = VirtualBus(bench.stick)
      let link = try await bench.link(bus)
      do {
        try await bench.load(over: link)
        Issue.record("it was taken")
      } catch let error as BootROMError {
        #expect(error == .endRefused(answer: 0x55))
        #expect(error.trouble.code == "bootrom.loader-refused")
        #expect(error.trouble.aftermath == .untouched)
      }
    }
  }

  private static var secure: HuaweiBalongStick.Options {
    var options = HuaweiBalongStick.Options()
    options.secureBoot = true
    return options
  }

  @Test("that answers anything but AA, or nothing, ends the upload at once") func answers() async {
    let ok: [UInt8] = [0xaa]
    #expect(await code([ok, ok, ok]) == nil)
    #expect(await code([ok, ok, [0xaa, 0xaa]]) == nil)
    for bad: [UInt8] in [[0x55], [0x00], [0xff, 0xaa]] {
      #expect(await code([bad]) == "bootrom.refused")
      #expect(await code([ok, bad]) == "bootrom.refused")
      #expect(await code([ok, ok, bad]) == "bootrom.refused")
    }
    #expect(await code([]) == "bootrom.refused")
    #expect(await code([ok]) == "bootrom.refused")
    #expect(await code([ok, ok]) == "bootrom.refused")
    #expect(await code([ok, []]) == "port.gone")
    #expect(await code([ok, ok, []]) == "port.gone")
    #expect(await code([ok, ok, []], isLast: true) == nil, "it started before it had answered")
    #expect(await code([ok, []], isLast: true) == "port.gone")
  }

  @Test("is told from anything else by its handshake") func handshake() async throws {
    for (answer, isThere): ([[UInt8]], Bool) in [
      ([[0x55]], true), ([[0x41]], false), ([], false), ([[0xaa]], false),
    ] {
      #expect(try await BalongBootROM(Parrot(answer)).isThere() == isThere)
    }
  }
}

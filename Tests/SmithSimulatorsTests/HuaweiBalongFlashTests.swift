import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@Suite("Huawei Balong stick, flash and power") struct HuaweiBalongFlashTests {
  private static let update: [(UInt32, [UInt8])] = [
    (0x105, payload("21.157.41.00.00", count: 5000)),
    (0x550103, [UInt8](repeating: 0x7e, count: 3000)),
    (0x10c, [UInt8]("SMITHSIM-DASHBOARD:UTPS23.015.00.00.00;".utf8)),
  ]

  /// All messages of one update, one transfer each.
  private static func messages(_ items: [(UInt32, [UInt8])]) -> [[UInt8]] {
    var all: [[UInt8]] = []
    for (id, data) in items {
      all.append(HDLC.frame(Desk.start(id, data.count)))
      for (index, offset) in stride(from: 0, to: data.count, by: 1024).enumerated() {
        let part = [UInt8](data[offset..<min(offset + 1024, data.count)])
        all.append(HDLC.frame(Desk.block(UInt32(index + 1), part)))
      }
      all.append(HDLC.frame(Desk.end(id, data.count)))
    }
    return all + [HDLC.frame([0x0a])]
  }

  @Test("A finished update boots with the new versions, its identity and its settings")
  func finished() {
    var desk = Desk(.e3131)
    _ = desk.type("AT+CGDCONT=1,\"IP\",\"web\"")
    _ = desk.type("AT^NVBACKUP")
    _ = desk.type("AT^GODLOAD")
    desk.waitForReturn()
    let before = desk.stick.flash.nv
    for message in Self.messages(Self.update) { #expect(desk.send(message).hex == ack) }
    #expect(desk.stick.flash.allPartsComplete)
    desk.waitForReturn()
    #expect(desk.role == .at)
    #expect(desk.type("AT+CGMR") == "AT+CGMR\r\r\n21.157.41.00.00\r\n\r\nOK\r\n")
    #expect(desk.stick.flash.dashboard == "UTPS23.015.00.00.00")
    #expect(desk.stick.flash.nv == before)
    #expect(desk.stick.flash.nvRestores == 1)
    #expect(desk.stick.complaints.isEmpty)
  }

  @Test(
    "A power cut after any message leaves a stick that boots old, or waits, and can be finished")
  func cuts() {
    let messages = Self.messages(Self.update)
    for count in 0...messages.count {
      var desk = Desk.download(.e3131)
      for message in messages.prefix(count) { _ = desk.send(message) }
      desk.cutPower()
      let expected: PortRole = count == 0 || count == messages.count ? .at : .download
      #expect(desk.role == expected, "cut after message \(count)")
      let version = count == messages.count ? "21.157.41.00.00" : "21.157.31.00.00"
      #expect(desk.stick.flash.firmware == version, "cut after message \(count)")
      if expected == .at { continue }
      #expect(desk.type("AT^DLOADINFO?").contains("dload type:1"))
      for message in messages { #expect(desk.send(message).hex == ack, "cut after \(count)") }
      desk.waitForReturn()
      #expect(desk.role == .at)
      #expect(desk.stick.flash.firmware == "21.157.41.00.00")
      #expect(desk.stick.flash.nv.imei == "004999010640000")
    }
  }

  @Test(
    "A half-written boot part leaves the boot ROM only, which answers A with U",
    arguments: [UInt32(0x20000), 0x200000, 0x101, 0x110000]) func bootPart(_ id: UInt32)
  {
    var desk = Desk.download(.e3372h)
    #expect(desk.start(id, 100) == ack)
    desk.cutPower()
    #expect(desk.role == .bootROM)
    #expect(desk.stick.face?.id == USBID(0x12d1, 0x1443))
    #expect(desk.hex("41") == "55")
    #expect(desk.frame([0x0c]) == "")
    #expect(desk.type("T") == "")
    #expect(!desk.stick.complaints.isEmpty)
  }

  @Test("A boot part that is written whole keeps the stick in download mode until 0A")
  func wholeBootPart() {
    var desk = Desk.download(.e3372h)
    #expect(desk.write(0x110000, payload("21.300.00.00.00")) == true)
    desk.cutPower()
    #expect(desk.role == .download)
  }

  @Test("Power that goes while 43 is being worked on leaves the item incomplete") func cutInEnd() {
    var options = HuaweiBalongStick.Options()
    options.endDelay = .seconds(10)
    var desk = Desk.download(.e3372h, options: options)
    #expect(desk.write(0x90000, [1, 2, 3]) == false)
    _ = desk.wait(.seconds(9))
    desk.cutPower()
    #expect(desk.stick.flash.item(0x90000)?.state == .incomplete)
    #expect(desk.role == .download)
  }

  @Test("0A before every item is whole leads back into download mode") func earlyEnd() {
    var desk = Desk.download(.e3372h)
    #expect(desk.start(0x90000, 3) == ack)
    #expect(desk.block(1, [1, 2]) == ack)
    #expect(desk.end(0x90000, 3) == ack)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .download)
    #expect(desk.write(0x90000, [1, 2, 3]) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .at)
  }

  @Test("With a known layout every part must come before the stick leaves download mode")
  func layout() {
    var options = HuaweiBalongStick.Options()
    options.layout = [0x105, 0x107]
    var desk = Desk.download(.e3131, options: options)
    #expect(desk.write(0x105, payload("21.157.41.00.00")) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .download)
    #expect(desk.write(0x107, [1, 2, 3]) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .at)
  }

  @Test("A changed partition table restarts V7R11 after its 43; the next item goes on from there")
  func partitionTable() {
    var desk = Desk.download(.e3372h)
    #expect(desk.write(0x10000, [1, 2, 3]) == true)
    desk.waitForReturn()
    #expect(desk.role == .download)
    #expect(desk.stick.face?.generation == 3)
    #expect(desk.write(0x10000, [1, 2, 3]) == true)
    desk.waitForReturn()
    #expect(desk.stick.face?.generation == 3)
    #expect(desk.write(0x220000, payload("21.300.01.00.00")) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .at)
    #expect(desk.stick.flash.firmware == "21.300.01.00.00")

    var options = HuaweiBalongStick.Options()
    options.rebootOnPartitionTableChange = false
    var calm = Desk.download(.e3372h, options: options)
    #expect(calm.write(0x10000, [1, 2, 3]) == true)
    calm.waitForReturn()
    #expect(calm.stick.face?.generation == 2)
  }

  @Test("Without a marker the first version text in the data counts; the last marker wins")
  func versions() {
    let noise = [UInt8](repeating: 0x31, count: 20)
    var desk = Desk.download(.e3131)
    #expect(desk.write(0x105, noise + [UInt8]("v22.318.45.00.778.".utf8) + noise) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.stick.flash.firmware == "22.318.45.00.778")

    var other = Desk.download(.e3131)
    #expect(other.write(0x105, payload("1.1")) == true)
    #expect(other.write(0x550103, payload("2.2")) == true)
    #expect(other.write(0x107, noise) == true)
    #expect(other.frame([0x0a]) == ack)
    #expect(other.stick.flash.firmware == "2.2")
  }

  @Test("An update without any version text leaves the version as it was") func noVersion() {
    var desk = Desk.download(.e3131)
    #expect(desk.write(0x105, [1, 2, 3]) == true)
    #expect(desk.frame([0x0a]) == ack)
    #expect(desk.stick.flash.firmware == "21.157.31.00.00")
  }

  @Test("HiLink firmware comes back as the other download id") func hiLinkFace() {
    var desk = Desk.download(.e3372h)
    #expect(desk.write(0x220000, payload("22.329.63.00.74")) == true)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    _ = desk.type("AT^GODLOAD")
    desk.waitForReturn()
    #expect(desk.stick.face?.id == USBID(0x12d1, 0x1442))
  }

  @Test("A package with an NV image costs the settings unless they were backed up")
  func nvImage() {
    for isBackedUp in [true, false] {
      var desk = Desk(.e3276)
      _ = desk.type("AT+CGDCONT=1,\"IP\",\"web\"")
      if isBackedUp { _ = desk.type("AT^NVBACKUP") }
      _ = desk.type("AT^GODLOAD")
      desk.waitForReturn()
      #expect(desk.write(0x80000, [1, 2, 3]) == true)
      #expect(desk.frame([0x0a]) == ack)
      desk.waitForReturn()
      #expect(desk.role == .at)
      #expect(desk.stick.flash.nv.imei == "004999010640000")
      #expect(desk.stick.flash.nv.profiles[1]?.apn == (isBackedUp ? "web" : "internet"))
    }
  }

  @Test("The same seed gives the same emissions at the same times") func determinism() {
    func run(_ seed: UInt64) -> [Emission] {
      var options = HuaweiBalongStick.Options()
      options.unsolicited = true
      var stick = HuaweiBalongStick(personality: .e3131, seed: seed, options: options)
      stick.plug(at: .zero)
      var heard = stick.advance(to: .seconds(40))
      heard += stick.receive([UInt8]("AT^GODLOAD\r".utf8), on: 0, at: .seconds(40))
      var now = Duration.seconds(40)
      while let due = stick.nextDue, stick.face?.ports != [.download] {
        now = due
        heard += stick.advance(to: now)
      }
      return heard + stick.receive(HDLC.frame([0x0c]), on: 0, at: now)
    }
    #expect(run(7) == run(7))
    #expect(run(7) != run(8))
  }

  @Test("Times are never later than asked and never go back", arguments: [UInt64(3), 4, 5])
  func times(_ seed: UInt64) {
    var options = HuaweiBalongStick.Options()
    options.unsolicited = true
    var stick = HuaweiBalongStick(personality: .e3372h, seed: seed, options: options)
    stick.plug(at: .zero)
    var last = Duration.zero
    for second in 1...100 {
      for emission in stick.advance(to: .seconds(second)) {
        #expect(emission.at >= last && emission.at <= .seconds(second))
        last = emission.at
      }
    }
    #expect(last > .zero)
  }

  @Test("No bytes make the stick fall over", arguments: Array(UInt64(1)...12))
  func randomBytes(_ seed: UInt64) {
    var dice = Dice(state: seed &* 0x9e37_79b9_7f4a_7c15)
    let personality = HuaweiBalongStick.Personality.all[Int(seed % 3)]
    var options = HuaweiBalongStick.Options()
    options.strict = seed.isMultiple(of: 4)
    options.signed = seed.isMultiple(of: 5)
    options.startDelay = seed.isMultiple(of: 2) ? .milliseconds(50) : .zero
    options.unsolicited = true
    options.logging = true
    var desk = Desk(personality, seed: seed, options: options)
    let commands = [
      "AT^GODLOAD", "AT^DATAMODE", "AT^SETPORT=\"", "AT+CGDCONT=,,", "ATI", "AT^SIGNVER=,",
    ]
    var longest = 0
    for _ in 0..<3000 {
      var bytes: [UInt8]
      switch Int.random(in: 0..<6, using: &dice) {
      case 0: bytes = [UInt8]((commands.randomElement(using: &dice) ?? "AT").utf8) + [0x0d]
      case 1: bytes = HDLC.frame((0..<24).map { _ in UInt8.random(in: 0...255, using: &dice) })
      case 2:
        let kind: UInt8 = [0x41, 0x42, 0x43].randomElement(using: &dice) ?? 0x41
        let rest = (0..<11).map { _ in UInt8.random(in: 0...1, using: &dice) }
        bytes = HDLC.frame([kind] + rest)
      case 3:
        bytes = HDLC.frame(Desk.start([1, 0x105, 0x101].randomElement(using: &dice) ?? 1, 20))
      default:
        bytes = (0..<Int.random(in: 0...80, using: &dice)).map { _ in
          UInt8.random(in: 0...255, using: &dice)
        }
      }
      let port = Int.random(in: -1...1, using: &dice)
      longest = max(longest, desk.send(bytes, port: port).count)
      switch Int.random(in: 0..<60, using: &dice) {
      case 0: desk.cutPower()
      case 1: desk.waitForReturn()
      default: _ = desk.wait(.milliseconds(Int.random(in: 0...100, using: &dice)))
      }
    }
    #expect(!desk.stick.complaints.isEmpty, "seed \(seed)")
    #expect(longest < 8192, "seed \(seed)")
    #expect(desk.stick.flash.nv.imei == "004999010640000", "seed \(seed)")
  }
}

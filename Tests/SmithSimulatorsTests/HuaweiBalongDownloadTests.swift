import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

private typealias Stick = HuaweiBalongStick
private let zeros16 = String(repeating: "0", count: 16)

@Suite("Huawei Balong stick, download mode") struct HuaweiBalongDownloadTests {
  // MARK: AT

  @Test("The monitor answers its AT commands without echo, in their exact shapes") func monitorAT()
  {
    var desk = Desk.download(.e3372h)
    #expect(desk.type("AT^DLOADVER?") == "\r\n2.0\r\n\r\nOK\r\n")
    #expect(desk.type("at^dloadver?") == "\r\n2.0\r\n\r\nOK\r\n")
    #expect(desk.type("AT^AUTHORITYVER?") == "\r\n1000\r\n\r\nOK\r\n")
    #expect(desk.type("AT^AUTHORITYID?") == "\r\n004999010640000\r\n\r\nOK\r\n")
    #expect(desk.type("AT^NVBACKUP") == "\r\n0\r\n\r\nOK\r\n")
    for command in ["ATE0", "ATE1", "AT+CMEE=0", "AT^GODLOAD", "AT^DATAMODE"] {
      #expect(desk.type(command) == "\r\nOK\r\n")
    }
    #expect(desk.type("AT^FLASHINFO?").contains("~~~~~~FLASH INFO~~~~~~:\r\n\r\nMMC BLOCK COUNT:"))
    #expect(desk.type("AT^DLOADINFO?").contains("\r\n\r\ndload type:0\r\n\r\nOK\r\n"))
    #expect(desk.stick.complaints.isEmpty)
  }

  @Test("Text unknown to the monitor: V7R11 sends 06, V3R3 nothing; both remember it")
  func unknownText() {
    var newer = Desk.download(.e3372h)
    #expect(newer.type("ATI") == String(decoding: [UInt8](hex: refusal(6)) ?? [], as: UTF8.self))
    #expect(newer.hex("7E 0C 14 3A 7E") == version)
    var older = Desk.download(.e3131)
    for command in ["ATI", "AT", "AT^RESET", "AT^SIGNVER=1,0,00,1", "AT^NVBACKUP"] {
      #expect(older.type(command) == "")
    }
    #expect(older.stick.complaints.count == 5)
    #expect(older.hex("7E 0C 14 3A 7E") == version)
  }

  @Test("An AT command must arrive as one transfer with its CR", arguments: Stick.Personality.all)
  func wholeTransfer(_ personality: HuaweiBalongStick.Personality) {
    var desk = Desk.download(personality)
    #expect(desk.send([UInt8]("AT^DLOAD".utf8)).isEmpty)
    #expect(desk.send([UInt8]("VER?\r".utf8)).isEmpty)
    #expect(desk.send([UInt8]("AT^DLOADVER?\r\n".utf8)).isEmpty)
    #expect(desk.type("AT^DLOADVER?") == "\r\n2.0\r\n\r\nOK\r\n")
  }

  // MARK: Queries

  @Test("Published frames are answered as published") func published() {
    var desk = Desk.download(.e3131)
    #expect(desk.hex("7E 0C 14 3A 7E") == version)
    #expect(desk.hex("7E 3A A1 6E 7E") == "7e3aa16e7e")
    #expect(desk.hex("7E FB 24 B9 7E") == "7efb00e7977e")
    #expect(
      desk.hex("7E 45 D1 E5 7E").hasPrefix("7e45" + [UInt8]("HUAWEI E3531".utf8).hex + zeros16))
    let reply = HDLC.frame(
      [0x46, 0x18] + Array("21.157.31.00.00".utf8) + Array(repeating: 0, count: 9))
    #expect(desk.hex("7E 46 4A D7 7E") == reply.hex)
    #expect(desk.hex("7E 41 00 11 00 00 00 02 EA 3E 00 00 00 36 C1 7E") == refusal(7))
    var newer = Desk.download(.e3372h)
    #expect(newer.hex("7E 41 00 11 00 00 00 02 EA 3E 00 00 00 36 C1 7E") == ack)
    #expect(newer.hex("7E 42 00 00 00 01 00 04 7D 5E 7D 5D 00 FF EE 5F 7E") == ack)
    #expect(newer.stick.flash.item(0x110000)?.bytes == [0x7e, 0x7d, 0, 0xff])
    #expect(
      newer.hex("7E 43 00 02 EA 3E 00 00 00 00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 88 00 7E")
        == ack)
    #expect(newer.stick.flash.item(0x110000)?.state == .corrupt)
  }

  @Test("The reply to 4B is 66 bytes and any length of question will do") func longVersion() {
    var desk = Desk.download(.e3372h)
    var decoder = HDLCDecoder()
    for body: [UInt8] in [[0x4b, 0xc9, 3, 0xff], [0x4b]] {
      let text = desk.send(HDLC.frame(body))
      guard case .body(let answer)? = decoder.feed(text).first else {
        Issue.record("no frame")
        return
      }
      #expect(answer.count == 66)
      #expect(answer.starts(with: [0x4b, 0xc9, 3, 0xff] + Array("21.200.07.00.00".utf8)))
    }
  }

  @Test("The version reply has an opening flag only where that is asked for") func openingFlag() {
    var options = Stick.Options()
    options.openingFlag = true
    var desk = Desk.download(.e3131, options: options)
    #expect(desk.frame([0x0c]) == "7e" + version)
  }

  @Test("Frames may come byte by byte or joined") func pieces() {
    var desk = Desk.download(.e3372h)
    var heard: [UInt8] = []
    for byte in HDLC.frame([0x3a]) + HDLC.frame([0xfb]) { heard += desk.send([byte]) }
    #expect(heard.hex == "7e3aa16e7e7efb00e7977e")
    #expect(desk.send(HDLC.frame([0x3a]) + HDLC.frame([0xfb])).hex == "7e3aa16e7e7efb00e7977e")
    #expect(desk.hex("7E 3A A1 6E 7E 3A A1 6E 7E") == "7e3aa16e7e7e3aa16e7e")
    #expect(desk.hex("3A A1 6E 7E") == "7e3aa16e7e")
  }

  // MARK: Refusals

  @Test("Wrong lengths get 03", arguments: Stick.Personality.all)
  func lengths(_ personality: HuaweiBalongStick.Personality) {
    var desk = Desk.download(personality)
    for command: UInt8 in [0x0c, 0x45, 0x46, 0xfb, 0x3a, 0x0a, 0x41, 0x43] {
      #expect(desk.frame([command, 0]) == refusal(3))
    }
    #expect(desk.stick.complaints.count == 8)
    #expect(desk.role == .download)
    #expect(desk.stick.flash.allPartsComplete)
  }

  @Test("A block that brings another number of bytes than it says gets 04") func blockLength() {
    var desk = Desk.download(.e3372h)
    #expect(desk.start(0x90000, 8) == ack)
    #expect(desk.frame([0x42, 0, 0, 0, 1, 0, 5, 1, 2, 3, 4]) == refusal(4))
    #expect(desk.frame([0x42, 0, 0, 0, 1]) == refusal(4))
    #expect(desk.block(1, [1, 2, 3, 4]) == ack)
    #expect(desk.stick.flash.item(0x90000)?.bytes == [1, 2, 3, 4])
  }

  @Test("Unknown commands get 06, or nothing from a silent monitor") func unknown() {
    var desk = Desk.download(.e3372h)
    #expect(desk.frame([0x99]) == refusal(6))
    #expect(desk.frame([0x01]) == refusal(6))
    var options = Stick.Options()
    options.silentUnknownCommand = true
    var silent = Desk.download(.e3372h, options: options)
    #expect(silent.frame([0x99]) == "")
    #expect(silent.stick.complaints.count == 1)
  }

  @Test("A damaged frame: V3R3 answers 03, V7R11 keeps silent, and both go on") func damaged() {
    var older = Desk.download(.e3131)
    #expect(older.hex("7E 0C 14 3B 7E") == refusal(3))
    #expect(older.hex("7E 0C 14 3A 7E") == version)
    var newer = Desk.download(.e3372h)
    #expect(newer.hex("7E 0C 14 3B 7E") == "")
    #expect(newer.hex("7E 0C 14 3A 7E") == version)
    #expect(newer.stick.complaints.count == 1)
  }

  @Test("Only V3R3 insists on the two legal escapes and on 8192 bytes") func strictFrames() {
    // 7D 2C stands for 0C by the general rule.
    var older = Desk.download(.e3131)
    #expect(older.hex("7E 7D 2C 14 3A 7E") == refusal(3))
    #expect(older.hex("7E 0C 7D 7E") == refusal(3))
    #expect(older.frame(Array(repeating: 0x11, count: 8190)) == refusal(6))
    #expect(older.frame(Array(repeating: 0x11, count: 8191)) == refusal(3))
    #expect(older.hex("7E 0C 14 7E") == "")
    var newer = Desk.download(.e3372h)
    #expect(newer.hex("7E 7D 2C 14 3A 7E") == version)
    #expect(newer.frame(Array(repeating: 0x11, count: 8702)) == refusal(6))
    #expect(newer.frame(Array(repeating: 0x11, count: 8703)) == "")
    #expect(newer.frame([0x0c]) == version)
  }

  @Test("After 41 a V3R3 monitor loses a flag that two frames share") func sharedFlag() {
    var older = Desk.download(.e3131)
    let both =
      HDLC.frame(Desk.start(0x105, 4)) + HDLC.frame(Desk.block(1, [1, 2, 3, 4])).dropFirst()
    #expect(older.send(both).hex == ack)
    #expect(older.stick.flash.item(0x105)?.bytes == [])
    #expect(older.block(1, [1, 2, 3, 4]) == ack)
    #expect(older.stick.flash.item(0x105)?.bytes == [1, 2, 3, 4])
    var newer = Desk.download(.e3372h)
    #expect(newer.send(both).hex == ack + ack)
  }

  // MARK: Blocks

  @Test("A repeated block is acknowledged and not written twice", arguments: Stick.Personality.all)
  func repeated(_ personality: HuaweiBalongStick.Personality) {
    var desk = Desk.download(personality)
    #expect(desk.start(0x105, 6) == ack)
    #expect(desk.block(1, [1, 2, 3]) == ack)
    #expect(desk.block(1, [9, 9, 9]) == ack)
    #expect(desk.block(2, [4, 5, 6]) == ack)
    #expect(desk.end(0x105, 6) == ack)
    #expect(desk.end(0x105, 6) == ack)
    #expect(desk.stick.flash.item(0x105)?.bytes == [1, 2, 3, 4, 5, 6])
    #expect(desk.stick.flash.item(0x105)?.state == .complete)
  }

  @Test("A first block numbered 0 is acknowledged and thrown away") func blockZero() {
    var desk = Desk.download(.e3372h)
    #expect(desk.start(0x90000, 6) == ack)
    #expect(desk.block(0, [1, 2, 3]) == ack)
    #expect(desk.block(1, [4, 5, 6]) == ack)
    #expect(desk.end(0x90000, 6) == ack)
    #expect(desk.stick.flash.item(0x90000)?.state == .corrupt)
  }

  @Test("After a block out of order V7R11 goes on, V3R3 restarts and waits in download mode")
  func order() {
    var newer = Desk.download(.e3372h)
    #expect(newer.start(0x90000, 6) == ack)
    #expect(newer.block(2, [1]) == refusal(7))
    #expect(newer.block(1, [1, 2, 3, 4, 5, 6]) == ack)
    #expect(newer.end(0x90000, 6) == ack)
    #expect(newer.stick.flash.item(0x90000)?.state == .complete)

    var older = Desk.download(.e3131)
    #expect(older.start(0x105, 6) == ack)
    #expect(older.block(2, [1]) == refusal(7))
    let generation = older.stick.face?.generation ?? 0
    _ = older.wait(.milliseconds(200))
    #expect(older.stick.face == nil)
    older.waitForReturn()
    #expect(older.role == .download)
    #expect(older.stick.face?.generation == generation + 1)
    #expect(older.type("AT^DLOADINFO?").contains("dload type:1"))
    #expect(older.write(0x105, payload("21.157.41.00.00")) == true)
    #expect(older.frame([0x0a]) == ack)
    older.waitForReturn()
    #expect(older.role == .at)
    #expect(older.stick.flash.firmware == "21.157.41.00.00")
  }

  @Test("42 and 43 without 41, and sizes of zero or beyond the flash, get 07") func illTimed() {
    var desk = Desk.download(.e3372h)
    #expect(desk.block(1, [1]) == refusal(7))
    #expect(desk.end(0x90000, 1) == refusal(7))
    #expect(desk.start(0x90000, 0) == refusal(7))
    #expect(desk.start(0x90000, 0xffff_ffff) == refusal(7))
    #expect(desk.start(0xb0000, 41 << 20) == refusal(7))
    #expect(desk.start(1, 26) == refusal(7))
    #expect(desk.stick.flash.allPartsComplete)
    #expect(desk.start(0x10000, 250 << 20) == ack)
    #expect(!desk.stick.flash.allPartsComplete)
    #expect(desk.start(0x220000, 10 << 20) == refusal(7))
    #expect(desk.start(0x90000, 2) == ack)
    #expect(desk.block(1, [1, 2, 3]) == refusal(7))
    #expect(desk.block(1, [1, 2]) == refusal(7))
    #expect(desk.start(0x90000, 2) == ack)
    #expect(desk.end(0x110000, 2) == refusal(7))
    #expect(desk.stick.complaints.count == 10)
  }

  @Test(
    "V3R3 takes its own image types only",
    arguments: [
      (UInt32(0x113), true), (0x114, false), (0xa0000, true), (0xb0000, true), (0x550000, true),
      (0x550103, true), (0x560000, true), (0x570000, true), (0x110000, false), (0x220000, false),
    ]) func types(_ id: UInt32, _ isTaken: Bool)
  {
    var desk = Desk.download(.e3131)
    #expect(desk.start(id, 10) == (isTaken ? ack : refusal(7)))
  }

  // MARK: Modes

  @Test("A strict monitor ignores HDLC before AT^DATAMODE and AT after it; 01 leads back")
  func strict() {
    var options = Stick.Options()
    options.strict = true
    var desk = Desk.download(.e3372h, options: options)
    #expect(desk.frame([0x0c]) == "")
    #expect(desk.type("AT^DATAMODE") == "\r\nOK\r\n")
    #expect(desk.type("AT^DLOADVER?") == "")
    #expect(desk.frame([0x0c]) == version)
    #expect(desk.stick.complaints.count == 2)
    #expect(desk.frame([0x01]) == ack)
    #expect(desk.type("AT^DLOADVER?") == "\r\n2.0\r\n\r\nOK\r\n")
  }

  @Test("A monitor that refuses AT^DATAMODE still speaks HDLC") func refusesDataMode() {
    var options = Stick.Options()
    options.refusesDataMode = true
    options.strict = true
    var desk = Desk.download(.e3131, options: options)
    #expect(desk.type("AT^DATAMODE") == "\r\nERROR\r\n")
    #expect(desk.frame([0x0c]) == version)
    #expect(desk.start(0x105, 1) == ack)
  }

  @Test("A signed monitor wants a good AT^SIGNVER first") func signed() {
    let key = "778A8D175E602B7B779D9E05C330B5279B0661BF2EED99A20445B366D63DD697"
    var options = Stick.Options()
    options.signed = true
    options.signatureLengths = [2958, 1110]
    options.keyHash = key
    var desk = Desk.download(.e3372h, options: options)
    #expect(desk.type("AT^DATAMODE") == "\r\nERROR\r\n")
    #expect(desk.start(0x110000, 10) == refusal(2))
    for wrong in [
      "1,0,\(key),2959", "1,1,\(key),2958", "8,0,\(key),2958", "1,0,\(key)0,2958",
      "1,0,\(String(key.reversed())),2958", "1,0,\(key)",
    ] {
      #expect(desk.type("AT^SIGNVER=\(wrong)") == "\r\nERROR\r\n")
    }
    #expect(desk.type("AT^SIGNVER=1,0,\(key),2958") == "\r\n0\r\n\r\nOK\r\n")
    #expect(desk.type("AT^DATAMODE") == "\r\nOK\r\n")
    #expect(desk.start(0x110000, 10) == ack)
    #expect(desk.stick.flash.item(0x110000)?.state == .incomplete)
  }

  @Test("Slow answers come when they are due, and what came meanwhile is done after them")
  func slow() {
    var options = Stick.Options()
    options.startDelay = .seconds(2)
    options.endDelay = .seconds(20)
    var desk = Desk.download(.e3372h, options: options)
    #expect(desk.start(0x90000, 3) == "")
    #expect(desk.stick.nextDue == desk.now + .seconds(2))
    #expect(desk.block(1, [1, 2, 3]) == "")
    #expect(desk.frame([0x3a]) == "")
    #expect(desk.wait(.milliseconds(1999)).isEmpty)
    #expect(desk.wait(.milliseconds(1)).hex == ack + ack + "7e3aa16e7e")
    #expect(desk.end(0x90000, 3) == "")
    #expect(desk.wait(.seconds(19)).isEmpty)
    #expect(desk.stick.flash.item(0x90000)?.state == .incomplete)
    #expect(desk.wait(.seconds(1)).hex == ack)
    #expect(desk.stick.flash.item(0x90000)?.state == .complete)
  }

  @Test("0A is acknowledged, once more if repeated, and the stick leaves a second later")
  func leave() {
    var desk = Desk.download(.e3131)
    #expect(desk.frame([0x0a]) == ack)
    #expect(desk.frame([0x0a]) == ack)
    #expect(desk.frame([0x0c]) == "")
    _ = desk.wait(.milliseconds(999))
    #expect(desk.stick.face != nil)
    _ = desk.wait(.milliseconds(1))
    #expect(desk.stick.face == nil)
    desk.waitForReturn()
    #expect(desk.role == .at)
  }

  @Test("A wire log has one record per message and is handed out once") func log() {
    var options = Stick.Options()
    options.logging = true
    var desk = Desk(.e3131, options: options)
    _ = desk.type("AT")
    let records = desk.stick.drainLog()
    #expect(records.map(\.direction) == [.host, .stick])
    #expect(
      records.first?.json
        == "{\"ms\":0,\"port\":0,\"from\":\"host\",\"kind\":\"at\",\"hex\":\"41540d\",\"text\":\"AT.\"}"
    )
    #expect(desk.stick.drainLog().isEmpty)
  }
}

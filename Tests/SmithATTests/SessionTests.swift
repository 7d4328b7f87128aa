import SmithAT
import SmithLink
import SmithModel
import Testing

@Suite("AT session") struct SessionTests {
  private func ask(_ command: ATCommand, _ answer: String, options: ATSession.Options = .init())
    async throws -> ATResponse
  {
    let link = ScriptedLink(always: [UInt8](answer.utf8))
    return try await ATSession(link: link, options: options).send(command)
  }

  @Test("A report ahead of the echo is no part of the answer") func reportBeforeEcho() async throws
  {
    let response = try await ask(
      "AT+CPMS=\"SM\",\"SM\"",
      "\r\n^SRVST:0\r\nAT+CPMS=\"SM\",\"SM\"\r\r\n+CPMS: 0,50,0,50,0,50\r\n\r\nOK\r\n")
    #expect(response.lines == ["+CPMS: 0,50,0,50,0,50"])
    #expect(response.unsolicited == ["^SRVST:0"])
    #expect(response.final == .ok)
  }

  @Test("A name that was asked for is an answer, not a report") func askedNames() async throws {
    let response = try await ask("AT+CREG?", "\r\n^RSSI:5\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n")
    #expect(response.lines == ["+CREG: 0,1"])
    #expect(response.unsolicited == ["^RSSI:5"])
    let joined = try await ask("ate0;+creg?;^rssi?", "\r\n+CREG: 0,1\r\n^RSSI:5\r\nOK\r\n")
    #expect(joined.lines == ["+CREG: 0,1", "^RSSI:5"])
  }

  @Test("NO CARRIER ends a call and is a report elsewhere") func noCarrier() async throws {
    let reset = try await ask("ATZ", "\r\n^BOOT:1,0,0,0,77\r\n\r\nNO CARRIER\r\n\r\nOK\r\n")
    #expect(reset.final == .ok)
    #expect(reset.unsolicited == ["^BOOT:1,0,0,0,77", "NO CARRIER"])
    #expect(try await ask("ATD*99#", "\r\nNO CARRIER\r\n").final == .noCarrier)
    #expect(try await ask("ATD*99#", "\r\nCONNECT 7200000\r\n").final == .connect)
    #expect(try await ask("AT^NDISDUP=1,1", "\r\nNO CARRIER\r\n").final == .noCarrier)
  }

  @Test(
    "Every vendor's final results are known",
    arguments: [
      ("OK", ATFinal.ok), ("ERROR", .error), ("+CME ERROR: 50", .cme(code: 50, text: nil)),
      ("+CME ERROR: SIM failure", .cme(code: nil, text: "SIM failure")),
      ("+CME ERROR:", .cme(code: nil, text: nil)), ("+CMS ERROR: 321", .cms(code: 321, text: nil)),
      ("COMMAND NOT SUPPORT", .commandNotSupported), ("TOO MANY PARAMETERS", .tooManyParameters),
      ("NOT IMPLEMENTED", .notImplemented), ("BUSY", .busy), ("NO ANSWER", .noAnswer),
      ("NO DIALTONE", .noDialtone), ("OPERATION NOT ALLOWED", .operationNotAllowed),
      ("ABORTED", .aborted),
    ]) func finals(line: String, final: ATFinal) async throws
  {
    let response = try await ask("ATD1", "\r\n\(line)\r\n")
    #expect(response.final == final)
    #expect(response.lines.isEmpty)
  }

  @Test("A final result without its line end counts once time has run out")
  func unterminatedFinal() async throws {
    #expect(try await ask("AT", "\r\nOK").final == .ok)
    await #expect(throws: ATError.unfinished(command: "AT", lines: ["O"])) {
      try await self.ask("AT", "\r\nO")
    }
  }

  @Test("Zero bytes between the characters change nothing") func zeros() async throws {
    let text = "\r\nE1750\r\n\r\nOK\r\n".utf8.flatMap { [UInt8(0), $0] }
    let link = ScriptedLink(always: text)
    #expect(try await ATSession(link: link).send("AT+CGMM").lines == ["E1750"])
  }

  @Test("An echo that lost its first bytes is still an echo") func cutEcho() async throws {
    let cut = try await ask("AT+CGMM", "+CGMM\r\r\nE1750\r\n\r\nOK\r\n")
    #expect(cut.lines == ["E1750"])
    let longer = try await ask("AT+GMR", "AT+GMR\r\r\nAT+GMR L<revision>\r\nOK\r\n")
    #expect(longer.lines == ["AT+GMR L<revision>"])
  }

  @Test("The text of a short message report is not taken for an answer") func messageReport()
    async throws
  {
    let response = try await ask(
      "AT+CSQ", "\r\n+CMT: \"+1\",,\"x\"\r\nOK\r\n\r\n+CSQ: 9,99\r\n\r\nOK\r\n")
    #expect(response.lines == ["+CSQ: 9,99"])
  }

  @Test("What lay in the port before the command is a report") func drained() async throws {
    let link = ScriptedLink(always: [UInt8]("\r\nE173\r\nOK\r\n".utf8))
    link.arrive([UInt8]("OLD\r\n\r\nOK\r\n^RSS".utf8))
    link.arrive([UInt8]("I:3\r\n".utf8), after: .milliseconds(20))
    let response = try await ATSession(link: link).send("AT+CGMM")
    #expect(response.lines == ["E173"])
    #expect(response.unsolicited == ["OLD", "OK", "^RSSI:3"])
  }

  @Test("A line cut before the command belongs to nobody") func staleStart() async throws {
    let link = ScriptedLink(always: [UInt8]("K\r\n\r\nE173\r\nOK\r\n".utf8))
    link.arrive([UInt8]("\r\nO".utf8))
    #expect(try await ATSession(link: link).send("AT+CGMM").lines == ["E173"])
  }

  @Test(
    "The late answer of an earlier command is not taken for the next one", arguments: [false, true])
  func lateAnswer(echo: Bool) async throws {
    let link = ScriptedLink { line in
      let head = echo ? line + "\r" : ""
      switch line {
      case "AT+CGMR":
        return [.text(head), .text("\r\nLATE\r\n\r\nOK\r\n", after: .seconds(8))]
      case "AT": return [.text(head + "\r\nOK\r\n", after: .seconds(2))]
      default: return [.text(head + "\r\nE173\r\n\r\nOK\r\n")]
      }
    }
    let session = ATSession(link: link)
    await #expect(throws: ATError.silent(command: "AT+CGMR")) {
      try await session.send("AT+CGMR", within: .seconds(7))
    }
    let response = try await session.send("AT+CGMM")
    #expect(response.lines == ["E173"])
    #expect(link.sent == ["AT+CGMR\r", "AT\r", "AT+CGMM\r"])
  }

  @Test("Silence ends at the limit of the command") func silence() async throws {
    let link = ScriptedLink { _ in [] }
    let session = ATSession(link: link)
    await #expect(throws: ATError.silent(command: "AT+COPS=?")) {
      try await session.send("AT+COPS=?")
    }
    #expect(link.now >= .seconds(120) && link.now < .seconds(121))
    #expect(ATCommand("AT+CGMM").usualLimit == .seconds(5))
    #expect(ATCommand("AT+CGMM;+COPS=?;^SYSCFG=2,0,1").usualLimit == .seconds(155))
  }

  @Test("A flood of reports does not stretch the limit") func flood() async throws {
    let link = ScriptedLink { _ in
      (0..<200).map { _ in .text("\r\n^RSSI:1\r\n", after: .seconds(1)) }
    }
    await #expect(throws: ATError.silent(command: "ATI")) {
      try await ATSession(link: link).send("ATI")
    }
    #expect(link.now <= .seconds(6))
  }

  @Test("An answer without end says what came") func unfinished() async throws {
    await #expect(throws: ATError.unfinished(command: "ATI", lines: ["IMEI: ***********1237"])) {
      try await self.ask("ATI", "IMEI: 012345678901237\r\n")
    }
  }

  @Test("A binary answer is told from text, whole or split")
  func binary() async throws {
    let frames: [[UInt8]] = [
      [0x7e, 0x03, 0x00, 0x06, 0x9e, 0x4c, 0x7e], [0x13, 0x0c, 0xd2, 0x7a, 0x7e],
      [0x0d, 0x0c] + [UInt8]("M62xx-OEMSBL".utf8) + [0x1a, 0xc0, 0x7e],
    ]
    for frame in frames {
      for split in 0...frame.count {
        let link = ScriptedLink { _ in
          [
            .init(after: .zero, bytes: [UInt8](frame[..<split])),
            .init(after: .zero, bytes: [UInt8](frame[split...])),
          ].filter { !$0.bytes.isEmpty }
        }
        await #expect(throws: ATError.binary(frame)) {
          try await ATSession(link: link).send("ATI")
        }
      }
    }
    let echoed = ScriptedLink(always: [UInt8]("ATI\r".utf8) + frames[1])
    await #expect(throws: ATError.binary(frames[1])) {
      try await ATSession(link: echoed).send("ATI")
    }
  }

  @Test("Tildes in a text answer are no frames") func tildes() async throws {
    let response = try await ask(
      "AT^FLASHINFO?",
      "\r\n~~~~~~FLASH INFO~~~~~~:\r\n\r\nMMC BLOCK COUNT:1,PAGE SIZE:2\r\n\r\nOK\r\n")
    #expect(response.lines == ["~~~~~~FLASH INFO~~~~~~:", "MMC BLOCK COUNT:1,PAGE SIZE:2"])
  }

  @Test("Bytes that are neither text nor frame are garbage") func garbage() async throws {
    let noise: [UInt8] = [0x81, 0x92, 0xf3, 0xe4]
    await #expect(throws: ATError.garbage(noise)) {
      try await ATSession(link: ScriptedLink(always: noise)).send("ATI")
    }
  }

  @Test("An endless answer is cut off") func endless() async throws {
    let link = ScriptedLink(always: [UInt8](repeating: 0x41, count: 100_000))
    await #expect(throws: ATError.tooLong(limit: 65_536)) {
      try await ATSession(link: link).send("ATI")
    }
  }

  @Test("A port that goes is told apart from silence") func gone() async throws {
    await #expect(throws: ATError.link(.gone)) {
      try await ATSession(link: ScriptedLink { _ in nil }).send("AT!BOOTHOLD")
    }
  }

  @Test("No bytes whatever stop the session", arguments: 0..<300 as Range<UInt64>)
  func anyBytes(seed: UInt64) async {
    var random = Seeded(seed)
    let words = [
      "OK\r\n", "\r\n", "AT+CGMM\r", "^RSSI:", "+CMT: ", "ERROR", "~", "\r", "+CME ERROR",
    ]
    var pieces: [ScriptedLink.Piece] = []
    for _ in 0..<Int.random(in: 0...12, using: &random) {
      var bytes = (0..<Int.random(in: 1...9, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random), let word = words.randomElement(using: &random) {
        bytes = [UInt8](word.utf8)
      }
      pieces.append(.init(after: .milliseconds(1), bytes: bytes))
    }
    let script = pieces
    let link = ScriptedLink { _ in script }
    let session = ATSession(link: link)
    for _ in 0..<3 {
      switch await outcome(of: session) {
      case .success(let response): #expect(response.lines.count <= 120, "seed \(seed)")
      case .failure(let error): #expect(!error.trouble.code.isEmpty, "seed \(seed)")
      }
    }
    #expect(link.now < .seconds(60), "seed \(seed)")
  }

  private func outcome(of session: ATSession) async -> Result<ATResponse, ATError> {
    do throws(ATError) {
      return .success(try await session.send("AT+CGMM"))
    } catch {
      return .failure(error)
    }
  }
}

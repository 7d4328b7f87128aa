import Foundation
import SmithAT
import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@testable import SmithVendors

@Suite("ZTE answers") struct ZTEAnswerTests {
  @Test(
    "A revision is taken apart, and only one project's numbers are compared",
    arguments: [
      ("BD_BLNP671A1V1.0.0B02", "BLNP671A1", [1, 0, 0, 2]),
      ("BD_MF656V1.0.2B11", "MF656", [1, 0, 2, 11]),
      ("BD_VOCMF710MV1.0.0B03", "VOCMF710M", [1, 0, 0, 3]),
    ]) func revision(text: String, project: String, numbers: [Int]) throws
  {
    let revision = try #require(ZTERevision(text))
    #expect(revision.project == project)
    #expect(revision.numbers == numbers)
    let next = try #require(ZTERevision("BD_\(project)V9.0.0B01"))
    #expect(revision.isOlder(than: next) == true)
    #expect(next.isOlder(than: revision) == false)
    #expect(revision.isOlder(than: try #require(ZTERevision("BD_OTHERV9.0.0B01"))) == nil)
  }

  @Test("Other texts are no revision", arguments: ["MF823_T03", "", "BD_", "BD_MF1V1B1"])
  func opaque(text: String) {
    #expect(ZTERevision(text) == nil)
  }

  @Test("Every recorded dialogue is understood") func transcripts() async throws {
    let entries = try recorded()
    #expect(entries.count >= 25)
    for entry in entries {
      let response = ATResponse(
        lines: entry.lines, final: entry.final.map { $0 == "OK" ? .ok : .error } ?? .ok)
      switch entry.command {
      case "ATI":
        var report = DeviceReport()
        GenericIdentity.apply(entry.lines, to: &report)
        #expect(report.vendor == "zte", "\(entry.id)")
        #expect(report.model?.hasPrefix("MF") == true, "\(entry.id)")
        #expect(report.firmware != nil, "\(entry.id)")
      case _ where entry.command.hasPrefix("AT+ZCDRUN=") && !entry.lines.isEmpty:
        #expect(ZTEAnswers.result(entry.lines) == true, "\(entry.id)")
      case "AT+ZCPE=o": #expect(ZTEAnswers.result(entry.lines) == true, "\(entry.id)")
      case "AT+ZNCK?":
        #expect(ZTEAnswers.tries(response) == (entry.final == "OK" ? 5 : nil), "\(entry.id)")
      case "AT+ZSEC?": #expect(ZTEAnswers.isLocked(response) == true, "\(entry.id)")
      case "AT+ZOPRT?": #expect(ZTEAnswers.isOnline(response) == false, "\(entry.id)")
      case "AT+CGMM": #expect(ZTEAnswers.lone(response, "+CGMM") == "MF180")
      case "AT+CGMI": #expect(ZTEAnswers.lone(response, "+CGMI") == "ZTE CORPORATION")
      case "AT+CGMR":
        #expect(ZTEAnswers.lone(response, "+CGMR").flatMap { ZTERevision($0) } != nil)
      case "AT+CPIN?":
        let state = response.values("+CPIN").first
        #expect(state == "READY" || state == "PH-NET PUK", "\(entry.id)")
      default:
        // The rest is read by nobody here; the engine of SmithAT has its own table.
        continue
      }
    }
  }

  @Test("No lock code ever leaves", arguments: ["AT+ZNCK=\"12345678\"", "AT+CLCK=\"PN\",0,\"1\""])
  func noCodes(command: String) {
    #expect(ATGuard().refusal(of: ATCommand(command)) != nil)
  }

  @Test(
    "Spent tries are a block, whatever the lock says",
    arguments: [
      ("PH-NET PUK", DeviceReport.SIMLock.Status.blocked), ("PH-NET PIN", .codeNeeded),
      ("READY", .codeNeeded),
    ]) func lock(state: String, status: DeviceReport.SIMLock.Status)
  {
    let section = ATResponse(lines: ["+ZSEC: 2,1"], final: .ok)
    let lock = ZTEAnswers.lock(section, nil, simState: state)
    #expect(lock?.status == status)
  }

  @Test("The catalogues name the reference models and give ids their modes") func catalogue() {
    #expect(ZTECatalogue.all.vendor == "zte")
    #expect(ZTECatalogue.hasPage("MF667"))
    #expect(!ZTECatalogue.hasPage("MF190"))
    #expect(ZTECatalogue.all.modes(of: USBID(0x19d2, 0x0016)).map(\.mode) == ["service"])
    #expect(ZTECatalogue.all.modes(of: USBID(0x19d2, 0x0031)).first?.at == 3)
    for entry in ZTECatalogue.all.identities { #expect(["A", "B", "C", "D"].contains(entry.mark)) }
  }
}

/// One recorded exchange of AT commands.
private struct Exchange {
  var id: String
  var command: String
  var lines: [String]
  var final: String?
}

/// The recorded dialogues; where they are absent, the test is skipped.
private func recorded() throws -> [Exchange] {
  guard let file = RealFile.dialogues(of: "zte") else { try Test.cancel("no dialogues are here") }
  let root = try JSONSerialization.jsonObject(with: Data(file.bytes())) as? [String: Any]
  let entries = try #require(root?["entries"] as? [[String: Any]])
  return entries.compactMap { entry in
    guard entry["kind"] as? String == "at", let id = entry["id"] as? String,
      let command = entry["command"] as? String
    else { return nil }
    let lines = (entry["response_lines"] as? [String] ?? []).filter { !$0.isEmpty }
    let isFinal = lines.last == "OK" || lines.last?.contains("ERROR") == true
    return Exchange(
      id: id, command: command, lines: isFinal ? Array(lines.dropLast()) : lines,
      final: isFinal ? lines.last : nil)
  }
}

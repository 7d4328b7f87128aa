import SmithBytes
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

@Suite("DIAG") struct DiagTests {
  private func stick() throws -> (Pair<QualcommBody>, DiagSession) {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    return (pair, DiagSession(try #require(pair.link(.diag))))
  }

  @Test("Version, chip and build are read", arguments: [false, true])
  func version(split: Bool) async throws {
    let (pair, diag) = try stick()
    pair.splits = split
    let version = try await diag.version()
    #expect(version.compiled == "Jul 15 2011 10:20:30" && version.model == "MF667")
    #expect(version.chipName == "MDM8200")
    #expect(try await diag.build().model == "MF667")
  }

  @Test("The frames are those that are published, without an opening flag") func frames()
    async throws
  {
    let link = ScriptedLink([[UInt8](hex: "13 63 23 E1 7E") ?? []])
    _ = try? await DiagSession(link).version()
    #expect(link.sent.first?.hex == "0078f07e")
    let download = ScriptedLink([])
    try await DiagSession(download).enterDownload()
    #expect(download.sent.map(\.hex) == ["3aa16e7e"])
  }

  @Test("Settings are given back to the stick that they came from") func restore() async throws {
    let (pair, diag) = try stick()
    let backup = try await diag.backup(items: [10, 441, 550])
    #expect(backup.items[10]?.count == 128 && backup.items[441] == nil)
    #expect(!"\(backup)".contains("43"))
    pair.body.setItem(10, [UInt8](repeating: 9, count: 128))
    #expect(try await diag.restore(backup, items: [10, 441]) == [10])
    #expect(pair.body.item(10) == [UInt8](repeating: 4, count: 128))
    // What is there already is not written again.
    #expect(try await diag.restore(backup, items: [10]) == [])
    #expect(pair.body.complaints == [])
  }

  @Test("No item but the four harmless ones can be written, whatever the backup holds")
  func forbidden() async throws {
    let link = ScriptedLink([])
    let diag = DiagSession(link)
    let data = [UInt8](repeating: 1, count: 128)
    for number in 0...UInt16.max where !NVItems.restorable.contains(number) {
      let backup = NVBackup(unit: [1], items: [10: data, number: data])
      await #expect(throws: DiagError.forbiddenItem(number)) {
        try await diag.restore(backup, items: [10, number])
      }
    }
    #expect(link.sent.isEmpty)
    #expect(NVItems.restorable.allSatisfy { !NVItems.isForbidden($0) })
    for number in [0, 1, 25, 85, 447, 453, 550, 1943, 1992, 2499, 4000, 4399, 4400] as [UInt16] {
      #expect(NVItems.isForbidden(number), "\(number)")
    }
    #expect(DiagError.forbiddenItem(550).trouble.code == "diag.forbidden-item")
    #expect(NVItems.name(550) == "IMEI" && NVItems.name(9999) == nil)
  }

  @Test("Nothing that could write leaves a diagnostic session, however it is built") func guarded()
    async throws
  {
    let data = [UInt8](repeating: 1, count: 130)
    for item in 0...UInt16.max {
      let body = [0x27, UInt8(item & 0xff), UInt8(item >> 8)] + data
      #expect((DiagGuard.refusal(of: body) == nil) == [10, 441, 442, 946].contains(item))
    }
    for body: [UInt8] in [
      [], [0x27], [0x27, 0x26, 0x02], [0x41, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30], [0x46, 0],
      [0x02], [0x05, 0, 0, 0, 0], [0x4b, 0x13, 5, 0, 1], [0x4b, 0x13, 8, 0, 0x2f],
      [0x4b, 0x13, 2, 0, 1, 0, 0, 0], [0x4b, 0x13, 2, 0], [0x4b, 0x13, 22, 0], [0x4b, 0x65, 1, 0],
      [0x4b, 0xc9, 4, 0], [0x4b], [0x29, 3, 0], [0x80], [0xff],
    ] {
      #expect(DiagGuard.refusal(of: body) != nil, "\(body)")
    }
    for command in UInt8.min...UInt8.max
    where ![0x00, 0x01, 0x0c, 0x26, 0x3a, 0x7c, 0xfa, 0xfb].contains(command) {
      #expect(DiagGuard.refusal(of: [command]) != nil, "\(command)")
    }
    #expect(DiagGuard.refusal(of: [0x4b, 0xc9, 0x03, 0xff]) == nil)
    #expect(DiagGuard.refusal(of: [0x4b, 0x13, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2f, 0]) == nil)
    let error = DiagError.forbiddenCommand(step: "x", reason: "y")
    #expect(error.trouble.code == "diag.forbidden-command")
  }

  @Test("Another stick's backup, or a stick without identity, is refused") func foreign()
    async throws
  {
    let (pair, diag) = try stick()
    var backup = try await diag.backup(items: [10])
    backup.unit[3] ^= 1
    await expectCode("diag.foreign-backup") { _ = try await diag.restore(backup, items: [10]) }
    pair.body.setItem(550, nil)
    await expectCode("diag.foreign-backup") { _ = try await diag.backup(items: [10]) }
    #expect(pair.body.item(10) == [UInt8](repeating: 4, count: 128))
  }

  @Test("The file system is listed and files are read in pieces", arguments: [false, true])
  func files(split: Bool) async throws {
    let (pair, diag) = try stick()
    pair.splits = split
    let big = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    pair.body.setFile("/nv/big", big)
    let tree = try await diag.tree()
    #expect(
      Set(tree.map(\.path)) == ["/config", "/nv", "/nv/big", "/nv/numbers", "/nv/numbers/1"])
    #expect(tree.first { $0.path == "/nv/big" }?.size == 3000)
    var read: [UInt8] = []
    try await diag.read("/nv/big") { read += $0 }
    #expect(read == big)
    await expectCode("diag.files") { try await diag.read("/none") { _ in } }
    await expectCode("diag.runaway") { try await diag.read("/nv/big", limit: 1000) { _ in } }
    #expect(pair.body.complaints == [])
  }

  @Test("A directory without end is left") func endless() async throws {
    let (pair, diag) = try stick()
    pair.body.breakListing()
    await expectCode("diag.runaway") { _ = try await diag.list("/") }
  }

  @Test("A lost answer means the same question again") func lost() async throws {
    for lost in 1...6 {
      let (pair, diag) = try stick()
      pair.lostAnswers = [lost]
      pair.damagedSends = [lost + 2]
      #expect(try await diag.tree().count == 4, "lost \(lost)")
    }
  }

  @Test("Download mode leads off the bus and back") func download() async throws {
    let (pair, diag) = try stick()
    try await diag.enterDownload()
    pair.wait(.seconds(1))
    #expect(pair.body.face == nil)
    await expectCode("diag.link-lost") { _ = try await diag.version() }
    pair.wait(.seconds(5))
    #expect(pair.body.face?.ports == [.download])
  }

  @Test("Refusals, bad statuses, short answers and silence have their names") func faults()
    async throws
  {
    await expectCode("diag.refused") {
      _ = try await DiagSession(ScriptedLink([HDLC.frame([0x13, 0])])).version()
    }
    await expectCode("diag.unexpected") {
      _ = try await DiagSession(ScriptedLink([HDLC.frame([0, 1, 2])])).version()
    }
    let item = [0x26, 10, 0] + [UInt8](repeating: 0, count: 128) + [4, 0]
    await expectCode("diag.item-status") {
      _ = try await DiagSession(ScriptedLink([HDLC.frame(item)])).readItem(10)
    }
    let silent = ScriptedLink([])
    await expectCode("diag.silent") { _ = try await DiagSession(silent).version() }
    #expect(silent.sent.count == 3 && silent.now < .seconds(10))
  }
}

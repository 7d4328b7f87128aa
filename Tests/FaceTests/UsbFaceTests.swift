import Foundation
import Testing

@Suite("Sticks at the terminal") struct UsbFaceTests {
  @Test("doctor looks at everything and writes its rules only where it is told") func doctor()
    async throws
  {
    let seen = try await Child.run("doctor", "--json")
    #expect([0, 10].contains(seen.code))
    for area in ["sticks", "permission", "drivers", "ModemManager", "mode switch", "power"] {
      #expect(seen.out.contains("\"area\":\"\(area)\""), "\(seen.out)")
    }
    let root = FileManager.default.temporaryDirectory
      .appendingPathComponent("smith-doctor-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let written = try await Child.run("doctor", "--install-rules", "--root", root)
    #expect(written.code == 0)
    let rules = try String(
      contentsOfFile: "\(root)/etc/udev/rules.d/70-modemsmith.rules", encoding: .utf8)
    #expect(rules.contains("12d1"))
    try Data().write(to: URL(fileURLWithPath: "\(root)/flat"))
    let refused = try await Child.run("doctor", "--install-rules", "--root", "\(root)/flat")
    #expect(refused.code == 5)
    #expect(refused.err.contains("doctor.rules-not-written"))
  }

  @Test("A place where nothing is plugged in ends with the code for no stick") func nothing()
    async throws
  {
    for arguments in [["switch", "--place", "9-9"], ["info", "--place", "9-9"]] {
      let seen = try await Child(arguments).end()
      #expect(seen.code == 4)
      #expect(seen.err.contains("[port.not-found]"))
    }
    let digits = try await Child.run("info", "--imei-ends", "1x")
    #expect(digits.code == 2)
    #expect(digits.err.contains("[usage.bad-target]"))
  }
}

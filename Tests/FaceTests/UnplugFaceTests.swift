import Foundation
import Testing

/// Apart from the other updates: the tool waits three quarters of a minute for a stick that left.
@Suite("A stick that is unplugged while it is written") struct UnplugFaceTests {
  @Test("and stays away gets a true verdict, and resume finishes it after replugging")
  func staysAway() async throws {
    let (bench, file, stick, update) = try await Bench.writing(kib: 4096)
    try await bench.unplug(stick)
    let ended = try await update.wait("end", within: 120) { $0.isOver ? $0 : nil }
    #expect(ended.code == 8 || ended.code == 9, "\(ended.out.suffix(2000))")
    #expect(["needs-rescue", "unknown"].contains(ended.report["verdict"] as? String))
    #expect(ended.trouble == "stick.did-not-return")
    #expect(ended.report["bytes"] as? Int ?? 0 > 1_000_000)

    let second = try await bench.plug()
    let resume = try await bench.run("resume")
    #expect(resume.code == 0, "\(resume.out.suffix(2000)) \(resume.err)")
    #expect(resume.report["verdict"] as? String == "updated")
    try await bench.compareFlash(with: file)
    // What the stick keeps outlives it once more.
    try await bench.unplug(second)
    let third = try await bench.plug()
    #expect(try await bench.version() == "21.157.37.00.00")
    try await bench.unplug(third)
  }

  @Test("and replugged at once is written to the end by the same update") func comesBack()
    async throws
  {
    let (bench, file, stick, update) = try await Bench.writing(kib: 4096)
    try await bench.unplug(stick)
    try await update.line("note") { $0.contains("\"note\"") && $0.contains("plug it in again now") }
    let second = try await bench.plug()
    let ended = try await update.end()
    #expect(ended.code == 0, "\(ended.out.suffix(2000))")
    #expect(ended.report["verdict"] as? String == "updated")
    try await bench.compareFlash(with: file)
    try await bench.unplug(second)
  }
}

import Foundation
import Testing

@Suite("A Huawei stick in download mode", .serialized) struct LeaveFaceTests {
  @Test("that was not written is led back into its firmware") func unwritten() async throws {
    let bench = try Bench()
    var stick = try await bench.plug()
    let running = try await bench.run("huawei", "leave-download")
    #expect(running.code == 3)
    #expect(running.trouble == "huawei.not-in-download")
    // The flag of this command outlives the power: it leads into download mode every time.
    #expect(try await bench.run("at", "AT^NVBACKUP", "--yes").code == 0)
    for _ in 0..<2 {
      try await bench.unplug(stick)
      stick = try await bench.plug()
      let waiting = try await bench.run("info")
      #expect(waiting.report["mode"] as? String == "download")
      #expect((waiting.report["way_advice"] as? String)?.contains("leave-download") == true)
    }
    let left = try await bench.run("huawei", "leave-download")
    #expect(left.code == 0, "\(left.out)")
    #expect(left.report["firmware"] as? String == "21.157.31.00.00")
    try await bench.unplug(stick)
    stick = try await bench.plug()
    #expect(try await bench.version() == "21.157.31.00.00")
    try await bench.unplug(stick)
  }

  @Test("that was begun to be written is left to resume") func halfWritten() async throws {
    let (bench, _, stick, update) = try await Bench.writing(kib: 2048)
    update.signal(SIGKILL)
    _ = try await update.end()
    let refused = try await bench.run("huawei", "leave-download")
    #expect(refused.code == 5, "\(refused.out)")
    #expect(refused.trouble == "huawei.stays-in-download")
    let resumed = try await bench.run("resume")
    #expect(resumed.code == 0, "\(resumed.out)")
    try await bench.unplug(stick)
  }
}

import CBenchSink
import Foundation
import SmithBytes
import SmithTrials

/// Measures what the house promises; both sides of a ratio always run in turn, in one run.
///
/// `smith-bench [--quick] [PART ...]` with the parts framing, cable, sierra, streaming, firehose, usbip, updates, sticks,
/// program, peeling and library; all, if none is named.
@main
enum SmithBench {
  static func main() async throws {
    let words = CommandLine.arguments
    if words.count == 4, words[1] == "library-add" {
      return try LibraryBench.add(words[2], words[3])
    }
    if words.count == 3, try await Cable.child(words[1], words[2]) { return }
    let quick = words.contains("--quick")
    let wanted = words.dropFirst().filter { $0 != "--quick" }
    func wants(_ part: String) -> Bool { wanted.isEmpty || wanted.contains(part) }
    var rows: [Row] = []
    func add(_ new: [Row]) {
      for row in new { show(row) }
      rows += new
    }
    if wants("framing") { add(framing(quick)) }
    if wants("cable") { add(try cable(quick)) }
    if wants("sierra") { add(try sierra(quick)) }
    if wants("streaming") { add(try StreamingSink.rows(quick)) }
    if wants("firehose") { add(try firehose(quick)) }
    if wants("usbip") {
      var rates: [Double] = []
      for _ in 0..<3 { rates.append(try await USBIPCable.run(mebibytes: quick ? 32 : 128)) }
      add([Row("USB/IP server, one serial interface", median(rates), "MB/s").atLeast(20)])
    }
    if wants("updates") { add(try await updates(quick)) }
    if wants("sticks") { add(try sticks(quick)) }
    if wants("program") { add(try program(quick)) }
    if wants("peeling") { add(try Peeling.rows(quick)) }
    if wants("library") { add(try LibraryBench.rows(quick)) }
    try write(rows)
    if rows.contains(where: { $0.isKept == false }) { exit(1) }
  }

  static func framing(_ quick: Bool) -> [Row] {
    let size = quick ? 16 << 20 : 64 << 20
    let random = noise(1 << 20)
    let flags = [UInt8](repeating: 0x7e, count: 1 << 20)
    var rows: [Row] = []
    for (name, data, bound) in [("random", random, 1.0), ("all 7E", flags, 0.4)] {
      let blocks = stride(from: 0, to: data.count, by: 4096).map { [UInt8](data[$0..<($0 + 4096)]) }
      let frames = blocks.map { HDLC.frame($0) }
      var output: [UInt8] = []
      var bytes = 0
      var decoder = HDLCDecoder()
      let rounds = size / data.count
      let encode = median(
        (0..<5).map { _ in
          processorSeconds {
            for _ in 0..<rounds {
              for block in blocks {
                output.removeAll(keepingCapacity: true)
                HDLC.encode(block, into: &output)
                bytes &+= output.count
              }
            }
          }
        })
      let decode = median(
        (0..<5).map { _ in
          processorSeconds {
            for _ in 0..<rounds {
              for frame in frames { bytes &+= decoder.feed(frame).count }
            }
          }
        })
      let gigabytes = Double(rounds * data.count) / 1e9
      rows.append(Row("HDLC encode, \(name)", gigabytes / encode, "GB/s").atLeast(bound))
      rows.append(Row("HDLC decode, \(name)", gigabytes / decode, "GB/s").atLeast(bound))
      if bytes == 0 { rows.append(Row("nothing was measured", 0, "")) }
    }
    let sum = median(
      (0..<5).map { _ in
        processorSeconds { for _ in 0..<(size / random.count) { keep(CRC16X25.of(random)) } }
      })
    rows.append(Row("CRC-16/X-25", Double(size) / 1e9 / sum, "GB/s").atLeast(2))
    return rows
  }

  static func cable(_ quick: Bool) throws -> [Row] {
    let rounds = quick ? 3 : 7
    var rows: [Row] = []
    for mode in ["flash", "flash-thread"] {
      var ratios: [Double] = []
      var rates: [Double] = []
      var costs: [Double] = []
      var bareCosts: [Double] = []
      var peak = 0.0
      for _ in 0..<rounds {
        let bare = try Cable.run("ping", mebibytes: 32)
        let ours = try Cable.run(mode, mebibytes: 32)
        ratios.append(bare.seconds / ours.seconds)
        rates.append(32 / ours.seconds)
        costs.append(ours.cpu * 1000 / 32)
        bareCosts.append(bare.cpu * 1000 / 32)
        peak = max(peak, ours.peakMiB)
      }
      rows.append(Row("\(mode) 32 MiB", median(rates), "MiB/s"))
      rows.append(Row("\(mode) 32 MiB against bare ping-pong", median(ratios), "x").atLeast(0.8))
      rows.append(Row("\(mode) 32 MiB, processor", median(costs), "ms/MiB").atMost(6))
      rows.append(Row("bare ping-pong of it, processor", median(bareCosts), "ms/MiB"))
      rows.append(Row("\(mode) 32 MiB, peak memory", peak, "MiB").atMost(32))
      if !quick {
        let big = try Cable.run(mode, mebibytes: 256)
        rows.append(Row("\(mode) 256 MiB, peak memory", big.peakMiB, "MiB").atMost(peak + 8))
      }
    }
    return rows
  }

  static func sierra(_ quick: Bool) throws -> [Row] {
    let results = try (0..<(quick ? 3 : 7)).map { _ in try Cable.run("qdl", mebibytes: 32) }
    let peak = results.map(\.peakMiB).max() ?? 0
    let big = try Cable.run("qdl", mebibytes: 256)
    return [
      Row("QDL 32 MiB", median(results.map { 32 / $0.seconds }), "MiB/s"),
      Row("QDL 32 MiB, processor", median(results.map { $0.cpu * 1000 / 32 }), "ms/MiB").atMost(4),
      Row("QDL 32 MiB, peak memory", peak, "MiB"),
      Row("QDL 256 MiB, peak memory", big.peakMiB, "MiB").atMost(peak + 8),
    ]
  }

  static func firehose(_ quick: Bool) throws -> [Row] {
    let results = try (0..<(quick ? 3 : 7)).map { _ in try Cable.run("firehose", mebibytes: 32) }
    let peak = results.map(\.peakMiB).max() ?? 0
    let big = try Cable.run("firehose", mebibytes: 256)
    return [
      Row("Firehose 32 MiB", median(results.map { 32 / $0.seconds }), "MiB/s"),
      Row("Firehose 32 MiB, processor", median(results.map { $0.cpu * 1000 / 32 }), "ms/MiB")
        .atMost(5),
      Row("Firehose 32 MiB, peak memory", peak, "MiB"),
      Row("Firehose 256 MiB, peak memory", big.peakMiB, "MiB").atMost(peak + 8),
    ]
  }

  /// Whole updates with faults on: AT, download, verification, journal in memory, and resuming
  /// what was cut. Processor time, so that a busy machine does not change the answer.
  static func updates(_ quick: Bool) async throws -> [Row] {
    var rows: [Row] = []
    for (name, bytes, goal, runs) in [
      ("64 KiB", 65_536, 1000.0, quick ? 300 : 2000), ("1 MiB", 1 << 20, 100.0, quick ? 50 : 400),
    ] {
      for vendor in Storm.Vendor.written {
        let storm = try await Storm(bytes: bytes, of: [vendor])
        let rates = await rates(storm, runs: runs, rounds: 5)
        let what = "virtual updates of \(name) with faults, \(vendor.rawValue)"
        rows.append(Row(what, median(rates), "1/s of a core").atLeast(goal))
      }
    }
    return rows
  }

  private static func rates(_ storm: Storm, runs: Int, rounds: Int) async -> [Double] {
    var rates: [Double] = []
    for round in 0..<rounds {
      let before = usage().cpu
      for seed in 0..<runs { keep(await storm.run(seed: UInt64(round * runs + seed))) }
      rates.append(Double(runs) / (usage().cpu - before))
    }
    return rates
  }

  /// What the program costs as a whole; skipped while it is not built.
  static func program(_ quick: Bool) throws -> [Row] {
    // Beside this program, so that it never is of another day than what is measured here.
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let binary = own.deletingLastPathComponent().appendingPathComponent("modemsmith").path
    guard FileManager.default.isExecutableFile(atPath: binary) else {
      print("skipped: no \(binary) (`make bench` builds it)")
      return []
    }
    var rows: [Row] = []
    var starts: [Double] = []
    var costs: [Double] = []
    for _ in 0..<(quick ? 11 : 41) {
      var cpu = 0.0
      let took = bench_run(binary, "--version", &cpu)
      guard took >= 0 else { throw Failure(what: "modemsmith --version failed") }
      starts.append(took * 1000)
      costs.append(cpu * 1000)
    }
    rows.append(Row("modemsmith --version", median(starts), "ms").atMost(20))
    rows.append(Row("modemsmith --version, processor", median(costs), "ms"))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "smith-bench-\(UUID().uuidString).exe")
    defer { try? FileManager.default.removeItem(at: file) }
    try BigPackage.write(to: file, mebibytes: quick ? 64 : 256)
    var ratios: [Double] = []
    for _ in 0..<(quick ? 3 : 7) {
      guard let sum = time(running: "/usr/bin/sha256sum", [file.path]),
        let check = time(running: binary, ["image", "check", file.path])
      else {
        print("skipped: `modemsmith image check` does not take the package")
        return rows
      }
      ratios.append(sum / check)
    }
    let size = quick ? 64 : 256
    rows.append(
      Row("image check of \(size) MiB, rate against sha256sum", median(ratios), "x").atLeast(0.7))
    return rows
  }

  static func show(_ row: Row) {
    let name = row.name.padding(toLength: 56, withPad: " ", startingAt: 0)
    let value = String(format: "%10.3f", row.value)
    let verdict = row.isKept.map { $0 ? "met" : "MISSED" } ?? ""
    print("\(name)\(value) \(row.unit)  \(row.promise.map { "goal \($0)," } ?? "") \(verdict)")
  }

  static func write(_ rows: [Row]) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../results").standardized
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(rows).write(to: folder.appendingPathComponent("latest.json"))
  }
}

/// Lets a result look used, so that the optimiser leaves the work in.
@inline(never)
func keep<Value>(_ value: Value) {}

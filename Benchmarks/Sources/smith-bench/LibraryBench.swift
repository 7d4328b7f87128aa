import Foundation
import SmithFormats
import SmithLibrary
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors

/// Adding files against `sha256sum`, and finding among many entries.
enum LibraryBench {
  static func rows(_ quick: Bool) throws -> [Row] {
    try adding(quick) + finding(quick)
  }

  // MARK: Adding

  /// What the child does that is measured: adds a folder and says its peak memory in KiB.
  static func add(_ folder: String, _ data: String) throws {
    let summary = try Library(data).add([folder])
    print("\(summary.added) \(Int(usage().peakMiB * 1024))")
  }

  private static func adding(_ quick: Bool) throws -> [Row] {
    let work = FileManager.default.temporaryDirectory.appendingPathComponent(
      "smith-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: work) }
    let folder = work.appendingPathComponent("files")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let count = quick ? 40 : 200
    try fill(folder, count: count, bytes: (2 << 30) / 200)
    let list = "find '\(folder.path)' -type f -print0 | xargs -0 -P2 -n4 sha256sum"
    _ = time(running: "/bin/sh", ["-c", list])
    var ratios: [Double] = []
    var rates: [Double] = []
    var peak = 0.0
    for round in 0..<(quick ? 3 : 5) {
      guard let sum = time(running: "/bin/sh", ["-c", list]) else { return [] }
      let data = work.appendingPathComponent("data-\(round)").path
      let (took, added, memory) = try measured(folder.path, data)
      guard added == count else { throw CocoaError(.fileReadCorruptFile) }
      ratios.append(sum / took)
      rates.append(Double(count) * Double((2 << 30) / 200) / 1_048_576 / took)
      peak = max(peak, memory)
    }
    let what = "library add, \(count) files"
    return [
      Row(what, median(rates), "MiB/s"),
      Row("\(what), against sha256sum -P2", median(ratios), "x").atLeast(0.7),
      Row("\(what), peak memory", peak, "MiB").atMost(64),
    ]
  }

  /// Packages of which each differs from the others.
  private static func fill(_ folder: URL, count: Int, bytes: Int) throws {
    var package = SamplePackage(for: HuaweiBalongStick.Personality.all[0])
    package.bytes = bytes
    package.exe = true
    let data = Data(package.build())
    for index in 0..<count {
      // A different Windows program around the same package.
      var file = Data(String(format: "MZ %09d", index).utf8)
      file.append(data)
      try file.write(to: folder.appendingPathComponent("\(index).exe"))
    }
  }

  private static func measured(_ folder: String, _ data: String) throws -> (Double, Int, Double) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["library-add", folder, data]
    process.standardOutput = output
    let start = ContinuousClock.now
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let took = (ContinuousClock.now - start).seconds
    let words = String(decoding: said, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let added = Int(words[0]), let kib = Double(words[1]) else {
      throw CocoaError(.fileReadUnknown)
    }
    return (took, added, kib / 1024)
  }

  // MARK: Finding

  private static func finding(_ quick: Bool) throws -> [Row] {
    let work = FileManager.default.temporaryDirectory.appendingPathComponent(
      "smith-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: work) }
    let count = quick ? 10_000 : 100_000
    let library = try Library(work.appendingPathComponent("data").path)
    try fill(library, work.appendingPathComponent("files"), count)
    var device = DeviceReport()
    device.vendor = "huawei"
    device.model = "E3131"
    device.hardware = "CH1E3531SM Ver.A"
    device.firmware = FirmwareVersion("21.157.31.00.00")
    device.world = .balongStick
    device.mode = .normal
    var rows: [Row] = []
    for query in ["E3531", "21.157", "BV7R11HS 21.300.7", "nothing-like-it", "firmware 21"] {
      let took = try (0..<21).map { _ in try seconds { keep(try library.find(query)) } }
      rows.append(
        Row("find \"\(query)\" among \(count)", median(took) * 1000, "ms").atMost(20))
    }
    let took = try (0..<21).map { _ in try seconds { keep(try library.find(for: device)) } }
    rows.append(Row("find for the stick among \(count)", median(took) * 1000, "ms").atMost(20))
    return try rows + offers(work.appendingPathComponent("other").path, count, device)
  }

  /// The same in a signed catalogue of somebody else.
  private static func offers(_ folder: String, _ count: Int, _ device: DeviceReport) throws
    -> [Row]
  {
    let products = DeviceCatalogue.huaweiBalong.families.map(\.product)
    let catalogue = Catalogue(
      name: "bench", made: "2026-01-01T00:00:00Z",
      entries: (0..<count).map { number in
        let image = FirmwareImage(
          format: .balong, origin: 0..<100, kinds: [.firmware], segments: [],
          claims: ImageClaims(
            products: [products[number % products.count]],
            firmware: FirmwareVersion(
              "21.\(number % 700).\(number % 90).00.\(number % 300)")))
        return Catalogue.Entry(
          sha256: String(format: "%064x", number), names: ["\(number).bin"],
          images: [Catalogue.Image(FoundImage(image))])
      })
    let key = Minisign.SecretKey()
    let library = try Library(folder)
    try library.trust(key.publicKey)
    let bytes = try catalogue.encoded()
    let signature = try key.sign(bytes, comment: "bench")
    let took = try seconds { keep(try library.take(bytes, signature: signature)) }
    var rows = [Row("import of a catalogue of \(count)", took, "s")]
    for query in ["E3531", "21.157", "nothing-like-it"] {
      let took = try (0..<21).map { _ in try seconds { keep(try library.findOffers(query)) } }
      rows.append(
        Row("find \"\(query)\" in a catalogue of \(count)", median(took) * 1000, "ms").atMost(20))
    }
    let find = try (0..<21).map { _ in try seconds { keep(try library.findOffers(for: device)) } }
    rows.append(
      Row("find for the stick in a catalogue of \(count)", median(find) * 1000, "ms").atMost(20))
    return rows
  }

  /// Small files that a reader of ours takes for images of many products and versions.
  private static func fill(_ library: Library, _ folder: URL, _ count: Int) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for index in 0..<count {
      try Data("image \(index)".utf8).write(to: folder.appendingPathComponent("\(index).bin"))
    }
    let products = DeviceCatalogue.huaweiBalong.families.map(\.product)
    var options = AddOptions()
    options.reader = { path in
      let number = Int(path.split(separator: "/").last?.dropLast(4) ?? "") ?? 0
      let image = FirmwareImage(
        format: .balong, origin: 0..<100, kinds: [.firmware], segments: [],
        claims: ImageClaims(
          products: [products[number % products.count]],
          firmware: FirmwareVersion("21.\(number % 700).\(number % 90).00.\(number % 300)")))
      return [FoundImage(image)]
    }
    _ = try library.add([folder.path], options: options)
  }
}

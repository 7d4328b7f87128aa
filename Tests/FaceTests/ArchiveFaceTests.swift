import Foundation
import Testing

@Suite("An archive at the command line", .serialized) struct ArchiveFaceTests {
  /// A zip without compression, written here: the tests of faces import nothing of the house.
  static func zip(_ files: [(String, Data)]) -> Data {
    var local = Data()
    var directory = Data()
    for (name, bytes) in files {
      var common = numbers(2, 0, 0, 0, 0)
      common.append(numbers(4, crc32(bytes), bytes.count, bytes.count))
      common.append(numbers(2, name.utf8.count, 0))
      directory.append(contentsOf: [0x50, 0x4b, 1, 2, 20, 0, 20, 0])
      directory.append(common)
      directory.append(numbers(2, 0, 0, 0, 0, 0))
      directory.append(numbers(4, local.count))
      directory.append(contentsOf: name.utf8)
      local.append(contentsOf: [0x50, 0x4b, 3, 4, 20, 0])
      local.append(common)
      local.append(contentsOf: name.utf8)
      local.append(bytes)
    }
    var end = Data([0x50, 0x4b, 5, 6, 0, 0, 0, 0])
    end.append(numbers(2, files.count, files.count))
    end.append(numbers(4, directory.count, local.count))
    end.append(contentsOf: [0, 0])
    local.append(directory)
    local.append(end)
    return local
  }

  static func numbers(_ width: Int, _ values: Int...) -> Data {
    var data = Data()
    for value in values {
      for index in 0..<width { data.append(UInt8(value >> (8 * index) & 0xff)) }
    }
    return data
  }

  private static let table: [UInt32] = (0..<256).map { start in
    (0..<8).reduce(UInt32(start)) { sum, _ in
      sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1
    }
  }

  static func crc32(_ bytes: Data) -> Int {
    var sum: UInt32 = 0xffff_ffff
    for byte in bytes { sum = sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xff)] }
    return Int(~sum)
  }

  private func contents(_ path: String) throws -> Data {
    try #require(FileManager.default.contents(atPath: path))
  }

  @Test("with the vendor's program in it updates a stick, and the journal leads to it again")
  func update() async throws {
    let bench = try Bench()
    let program = try await bench.sample("huawei-e3131", version: "21.157.37.00.00", "--exe")
    let inner = Self.zip([("inner/E3131_Update.exe", try contents(program))])
    let archive = try bench.file(
      "outer.zip",
      Self.zip([("readme.txt", Data("Read me first, please!".utf8)), ("a.zip", inner)])
    )
    let stick = try await bench.plug()
    let plan = try await bench.run("plan", archive)
    #expect(plan.code == 0, "\(plan.out) \(plan.err)")
    let update = try await bench.run("update", archive, "--yes")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.report["verdict"] as? String == "updated")
    #expect(try bench.journal().contains("outer.zip#a.zip#inner"))
    #expect(try await bench.version() == "21.157.37.00.00")
    try await bench.compareFlash(with: program)
    try await bench.unplug(stick)
  }

  @Test("is opened again by resume, which finds the same image inside") func resume() async throws {
    let bench = try Bench()
    let one = try await bench.sample(version: "21.157.37.00.00", kib: 4096)
    let other = try await bench.sample(version: "21.157.38.00.00", kib: 64)
    let archive = try bench.file(
      "two.zip", Self.zip([("other.bin", try contents(other)), ("wanted.bin", try contents(one))]))
    let stick = try await bench.plug()
    let asked = try await bench.run("update", archive, "--yes")
    #expect(asked.code == 6)
    #expect(asked.trouble == "archive.several-images")
    #expect(!(try bench.wasTouched()))
    let update = try bench.start(["update", archive, "--inside", "wanted.bin", "--yes"])
    try await update.line("progress", isProgress(beyond: 20))
    update.signal(SIGKILL)
    _ = try await update.end()
    let resume = try await bench.run("resume", "--yes")
    #expect(resume.code == 0, "\(resume.out.suffix(2000)) \(resume.err)")
    try await bench.compareFlash(with: one)
    try await bench.unplug(stick)
  }

  @Test("is listed by image show, and one of its images is chosen by name or number")
  func show() async throws {
    let bench = try Bench()
    let one = try await bench.sample(version: "21.157.37.00.00", kib: 64)
    let other = try await bench.sample(version: "21.157.38.00.00", kib: 64)
    let archive = try bench.file(
      "two.zip", Self.zip([("a.bin", try contents(one)), ("b.bin", try contents(other))]))
    let list = try await Child.run("image", "show", archive)
    #expect(list.code == 0, "\(list.err)")
    #expect(list.out.contains("2: two.zip > b.bin: firmware 21.157.38.00.00"))
    #expect(list.out.contains("--inside"))
    for name in ["b.bin", "2"] {
      let shown = try await Child.run("image", "show", archive, "--inside", name, "--json")
      #expect(shown.code == 0, "\(shown.err)")
      #expect(shown.report["firmware"] as? String == "21.157.38.00.00")
      #expect(shown.report["found_at"] as? String == "two.zip > b.bin")
    }
    let suffix = try await Child.run("image", "check", "\(archive)#a.bin")
    #expect(suffix.code == 0, "\(suffix.err)")
    let folder = try await Child.run("image", "show", bench.folder, "--json")
    #expect(folder.objects.count { $0["event"] as? String == "candidate" } == 4)
  }

  @Test("that is broken, hostile or empty is refused with 6, and nothing is sent")
  func refused() async throws {
    let bench = try Bench()
    let good = Self.zip([("fw.bin", try contents(try await bench.sample(kib: 64)))])
    let files = [
      (try bench.file("cut.zip", good.prefix(good.count / 2)), "archive.truncated"),
      (
        try bench.file("slip.zip", Self.zip([("../../../tmp/x", Data(count: 5000))])),
        "archive.unsafe-name"
      ),
      (
        try bench.file("manual.zip", Self.zip([("manual.txt", Data("How to use".utf8))])),
        "archive.nothing-inside"
      ),
    ]
    let stick = try await bench.plug()
    for (file, code) in files {
      for arguments in [["image", "show", file, "--json"], ["image", "check", file, "--json"]] {
        let ended = try await Child(arguments).end()
        #expect(ended.code == 6, "\(arguments): \(ended.out)")
        #expect(ended.trouble == code, "\(arguments): \(ended.out)")
      }
      let update = try await bench.run("update", file, "--yes")
      #expect(update.code == 6)
      #expect(update.trouble == code)
    }
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }
}

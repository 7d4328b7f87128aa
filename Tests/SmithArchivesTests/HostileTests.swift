import Glibc
import SmithArchives
import SmithBench
import SmithBytes
import SmithFormats
import SmithModel
import Synchronization
import Testing

@Suite("A hostile or broken archive") struct HostileTests {
  /// The code of what peeling or choosing ends with; nil if an image comes out.
  static func code(_ bytes: [UInt8], _ peeler: Peeler = Peeler()) -> String? {
    do throws(ArchiveError) {
      return try peeler.peel(SharedBytes(bytes), path: "/x/outer").code()
    } catch {
      #expect(error.trouble.exitCode == .badFile)
      return error.trouble.code
    }
  }

  @Test("that is cut off anywhere never gives an image, and is called cut off") func cut() throws {
    for (name, archive) in try PeelerTests.kinds() {
      for share in [10, 50, 90] {
        let code = Self.code([UInt8](archive.prefix(archive.count * share / 100)))
        #expect(code != nil, "\(name) at \(share) %")
        if share == 50 { #expect(code == "archive.truncated", "\(name)") }
      }
    }
  }

  @Test("with a password is called that") func encrypted() throws {
    let file = Made.File(name: "fw.exe", bytes: PeelerTests.program)
    if let zip = try? Made.archive(
      "zip", options: "encryption=zipcrypt", password: "secret", [file])
    {
      #expect(Self.code(zip) == "archive.encrypted")
    }
    #expect(Self.code(Made.rar4("fw.exe", [1, 2, 3], encrypted: true)) == "archive.encrypted")
    var locked = try Made.zip([("fw.bin", Made.firmware())])
    locked[6] |= 1
    let directory = try #require(
      locked.indices.last { locked[$0...].starts(with: [0x50, 0x4b, 1, 2]) })
    locked[directory + 8] |= 1
    #expect(Self.code(locked) == "archive.encrypted")
  }

  @Test("whose names lead out of the folder gives nothing of them") func slip() throws {
    for name in ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\..\\b.bin", "C:\\b.bin"] {
      let bytes = try Made.archive("ustar", [Made.File(name: name, bytes: Made.firmware())])
      #expect(Self.code(bytes) == "archive.unsafe-name", "\(name)")
    }
    // What else is in it can be used, and the oddity is told.
    let both = try Peeler().peel(
      try Made.zip([("../x.bin", Made.firmware(2)), ("fw.bin", Made.firmware(1))]))
    #expect(try both.choose(nil).insideName == "fw.bin")
    #expect(both.flaws.map(\.trouble.code) == ["archive.unsafe-name"])
  }

  @Test("with links gives nothing of them") func links() throws {
    let bytes = try Made.archive(
      "ustar", [Made.File(name: "fw.bin", bytes: [], link: "/etc/passwd")])
    #expect(Self.code(bytes) == "archive.link")
  }

  @Test("that unpacks to far more than it has is given up early") func bomb() throws {
    let limits = PeelLimits(entrySize: 1 << 20, totalSize: 8 << 20, freeSize: 64 << 10)
    let zeros = [UInt8](repeating: 0, count: 900_000)
    let zip = try Made.archive(
      "zip", options: "compression=deflate", [Made.File(name: "z", bytes: zeros)])
    #expect(Self.code(zip, Peeler(limits: limits)) == "archive.bomb")
    #expect(
      Self.code(
        try Made.archive("7zip", [Made.File(name: "z", bytes: zeros)]), Peeler(limits: limits))
        == "archive.bomb")
    // Each layer alone looks harmless; together they do not.
    let inner = try Made.archive(
      "zip", options: "compression=deflate",
      (0..<4).map { Made.File(name: "\($0)", bytes: [UInt8](repeating: 0, count: 60_000)) })
    let outer = try Made.archive(
      "zip", options: "compression=deflate",
      (0..<8).map { Made.File(name: "\($0).zip", bytes: inner) })
    #expect(Self.code(outer, Peeler(limits: limits)) == "archive.bomb")
  }

  @Test("with an entry or all together larger than any update is refused") func large() throws {
    var random = Seeded(3)
    let noise = random.bytes(300_000)
    let zip = try Made.zip([("a", noise), ("b", noise)])
    #expect(Self.code(zip, Peeler(limits: PeelLimits(entrySize: 200_000))) == "archive.too-large")
    #expect(Self.code(zip, Peeler(limits: PeelLimits(totalSize: 500_000))) == "archive.too-large")
  }

  @Test("with a hundred thousand entries is refused by their number") func many() {
    #expect(Self.code(Made.emptyFiles(100_000)) == "archive.too-many-entries")
    #expect(Self.code(Made.emptyFiles(1000)) == "archive.nothing-inside")
  }

  @Test("that takes too long is given up, by the clock that was given") func slow() throws {
    let time = Mutex(0)
    let peeler = Peeler(limits: PeelLimits(time: .seconds(60))) {
      time.withLock {
        $0 += 1
        return .seconds($0)
      }
    }
    var random = Seeded(5)
    let zip = try Made.zip((0..<50).map { ("f\($0)", random.bytes(5000)) })
    #expect(Self.code(zip, peeler) == "archive.too-slow")
  }

  @Test("of a stream in a stream in a stream is not followed") func quine() throws {
    var bytes = Made.firmware()
    for layer in 1...4 {
      if layer == 4 { #expect(Self.code(bytes) == nil) }
      bytes = try Made.archive("raw", filter: "gzip", [Made.File(name: "x", bytes: bytes)])
    }
    #expect(Self.code(bytes) == "archive.too-deep")
  }

  @Test("that uses what the library does not read is called that, or damaged") func unsupported()
    throws
  {
    var zip = try Made.zip([("fw.bin", Made.firmware())])
    // Compression method 99 in both headers.
    let directory = try #require(
      zip.indices.last { zip[$0...].starts(with: [0x50, 0x4b, 1, 2]) })
    zip[8] = 77
    zip[directory + 10] = 77
    #expect(Self.code(zip) == "archive.unsupported")
    var seven = try Made.archive("7zip", [Made.File(name: "fw.bin", bytes: Made.firmware())])
    seven[200] ^= 0xff
    #expect(Self.code(seven) == "archive.damaged")
  }

  @Test("beside a good one in a folder of archives does not hide it") func beside() throws {
    let findings = try Peeler().peel(
      try Made.zip([
        ("broken.7z", [UInt8](try Made.archive("7zip", []).prefix(20))),
        ("fw.bin", Made.firmware()),
      ]))
    #expect(try findings.choose(nil).insideName == "fw.bin")
    #expect(findings.flaws.map(\.trouble.code) == ["archive.truncated"])
  }

  @Test("damaged at random never traps, hangs or leaves a file behind", arguments: 0..<24)
  func damaged(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let kinds = try PeelerTests.kinds()
    let limits = PeelLimits(entrySize: 8 << 20, totalSize: 32 << 20)
    for (name, archive) in kinds {
      for _ in 0..<6 {
        var bytes = archive
        for _ in 0..<Int.random(in: 1...20, using: &random) {
          let near = Bool.random(using: &random) ? min(512, bytes.count) : bytes.count
          bytes[Int.random(in: 0..<near, using: &random)] = UInt8.random(
            in: 0...255, using: &random)
        }
        let findings = try? Peeler(limits: limits).peel(SharedBytes(bytes), path: "/x/\(name)")
        for image in findings?.images ?? [] {
          #expect(image.image?.segments.count == 3, "\(name), seed \(seed)")
        }
      }
    }
  }

  @Test("for which the disk has no room has a trouble of its own") func noRoom() {
    #expect(ArchiveError.noRoom(reason: "x").trouble.code == "archive.no-room")
    #expect(ArchiveError.noRoom(reason: "x").trouble.exitCode == .badFile)
  }
}

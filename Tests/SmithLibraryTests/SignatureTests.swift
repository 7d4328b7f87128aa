import Foundation
import SmithBytes
import SmithModel
import Testing

@testable import SmithLibrary

@Suite("Signatures") struct SignatureTests {
  @Test(
    "BLAKE2b gives the published sums",
    arguments: [
      (
        "", 64,
        "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934"
          + "eb04b903a685b1448b755d56f701afe9be2ce"
      ),
      (
        "abc", 64,
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de453"
          + "3cc9518d38aa8dbf1925ab92386edd4009923"
      ),
      ("abc", 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ])
  func vectors(_ text: String, _ size: Int, _ sum: String) {
    #expect(Blake2b.of(Array(text.utf8), size: size).hex == sum)
  }

  @Test("BLAKE2b agrees with b2sum around the borders of its blocks") func borders() throws {
    let scene = try Scene()
    for count in [1, 127, 128, 129, 255, 256, 257, 1000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let path = try scene.write("\(count)", bytes)
      guard let (status, said) = try tool("b2sum", [path], in: scene.folder) else {
        try Test.cancel("b2sum is missing")
      }
      #expect(status == 0)
      #expect(said.hasPrefix(Blake2b.of(bytes).hex), "\(count)")
    }
  }

  @Test("Keys and signatures survive being written and read", arguments: [true, false])
  func roundTrip(_ isPrehashed: Bool) throws {
    let key = try Minisign.SecretKey(Minisign.SecretKey().file)
    let publicKey = try Minisign.PublicKey(key.publicKey.file)
    #expect(publicKey == key.publicKey)
    #expect(try Minisign.PublicKey(publicKey.base64) == publicKey)
    let bytes = Array("facts".utf8)
    let signature = try key.sign(bytes, comment: "made today", isPrehashed: isPrehashed)
    #expect(try Minisign.verify(bytes, signature, by: publicKey) == "made today")
    let windows = signature.replacing("\n", with: "\r\n")
    #expect(try Minisign.verify(bytes, windows, by: publicKey) == "made today")
  }

  @Test("Any changed byte, comment, key or line is refused") func tampering() throws {
    let key = Minisign.SecretKey()
    let bytes = Array("facts and no firmware".utf8)
    let signature = try key.sign(bytes, comment: "made today")
    func refused(_ bytes: [UInt8], _ signature: String, _ key: Minisign.PublicKey) -> String? {
      code { _ = try Minisign.verify(bytes, signature, by: key) }
    }
    for index in bytes.indices {
      var other = bytes
      other[index] ^= 1
      #expect(refused(other, signature, key.publicKey) == "catalogue.bad-signature")
    }
    let lines = signature.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (line, from, to) in [
      (2, "today", "later"), (1, "RUQ", "RWQ"), (3, "A", "B"), (0, "untrusted", "trusted"),
      (2, "trusted comment: ", ""),
    ] {
      var other = lines
      other[line] = other[line].replacing(from, with: to)
      // A letter that the signature happens not to have changes nothing.
      if other == lines { continue }
      #expect(
        refused(bytes, other.joined(separator: "\n"), key.publicKey) == "catalogue.bad-signature",
        "line \(line)")
    }
    // The last letter before the padding has bits that no byte uses.
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var respelled = lines
    let letter = try #require(lines[3].last { $0 != "=" })
    let place = try #require(alphabet.firstIndex(of: letter))
    respelled[3] = lines[3].replacing("\(letter)==", with: "\(alphabet[place | 1])==")
    #expect(
      refused(bytes, respelled.joined(separator: "\n"), key.publicKey) == "catalogue.bad-signature")
    for count in 0..<lines.count - 1 {
      let cut = lines.prefix(count).joined(separator: "\n")
      #expect(refused(bytes, cut, key.publicKey) == "catalogue.bad-signature")
    }
    let other = Minisign.SecretKey().publicKey
    #expect(refused(bytes, signature, other) == "catalogue.bad-signature")
    let sameNumber = Minisign.PublicKey(number: key.publicKey.number, key: other.key)
    #expect(refused(bytes, signature, sameNumber) == "catalogue.bad-signature")
  }

  @Test("Keys that are none are refused")
  func badKeys() throws {
    for text in ["", "RWQ", "untrusted comment: x\n", "????", String(repeating: "A", count: 9000)] {
      #expect(code { _ = try Minisign.PublicKey(text) } == "catalogue.bad-key")
      #expect(code { _ = try Minisign.SecretKey(text) } == "catalogue.bad-key")
    }
    var bytes = try #require(
      Data(base64Encoded: String(Minisign.SecretKey().file.split(separator: "\n")[1])))
    bytes[100] ^= 1
    #expect(code { _ = try Minisign.SecretKey(bytes.base64EncodedString()) } == "catalogue.bad-key")
    bytes[2] = 0x53
    #expect(code { _ = try Minisign.SecretKey(bytes.base64EncodedString()) } == "catalogue.bad-key")
  }

  @Test("minisign takes our keys and signatures, and we take its") func minisign() throws {
    let scene = try Scene()
    let key = Minisign.SecretKey()
    let bytes = Array("facts".utf8)
    let file = try scene.write("facts.json", bytes)
    try scene.write("ours.pub", Array(key.publicKey.file.utf8))
    try scene.write("ours.key", Array(key.file.utf8))
    let folder = "\(scene.folder)/in"
    for isPrehashed in [true, false] {
      let signature = try key.sign(bytes, comment: "ours", isPrehashed: isPrehashed)
      try scene.write("facts.json.minisig", Array(signature.utf8))
      guard let (status, said) = try tool("minisign", ["-Vm", file, "-p", "ours.pub"], in: folder)
      else { return }
      #expect(status == 0, "\(said)")
      #expect(said.contains("ours"))
    }
    let signed = try tool(
      "minisign", ["-Sm", file, "-s", "ours.key", "-t", "theirs", "-x", "theirs.minisig"],
      in: folder)
    #expect(signed?.0 == 0, "\(signed?.1 ?? "")")
    let theirs = try String(contentsOfFile: "\(folder)/theirs.minisig", encoding: .utf8)
    #expect(try Minisign.verify(bytes, theirs, by: key.publicKey) == "theirs")
    let made = try tool("minisign", ["-GW", "-p", "their.pub", "-s", "their.key"], in: folder)
    #expect(made?.0 == 0, "\(made?.1 ?? "")")
    let secret = try Minisign.SecretKey(
      String(contentsOfFile: "\(folder)/their.key", encoding: .utf8))
    let open = try Minisign.PublicKey(
      String(contentsOfFile: "\(folder)/their.pub", encoding: .utf8))
    #expect(secret.publicKey == open)
  }
}

@Suite("Catalogue") struct CatalogueTests {
  private let made = "2026-11-21T08:00:00Z"

  @Test("What one library exports, another imports under a trusted key") func exchange() throws {
    let mine = try Scene()
    let theirs = try Scene()
    let library = try mine.library()
    let path = try mine.package("E3131.bin")
    _ = try library.add([path])
    let sum = try library.entry(path).sha256
    try library.mark(sum, note: "tested by Ada", bad: "bricks")
    try library.mark(String(repeating: "c", count: 64), bad: "another")
    let catalogue = try library.catalogue(name: "Ada's", made: made)
    let bytes = try catalogue.encoded()
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(!text.contains(mine.folder))
    #expect(text.contains("E3131.bin"))
    let key = Minisign.SecretKey()
    let signature = try key.sign(bytes, comment: "v1")

    let other = try theirs.library()
    #expect(code { _ = try other.take(bytes, signature: signature) } == "catalogue.untrusted")
    try other.trust(key.publicKey)
    _ = try other.add([try theirs.package("copy.bin")])
    let summary = try other.take(bytes, signature: signature)
    #expect(summary.entries == 2)
    #expect(summary.bad == 2)
    #expect(summary.mine == 1)
    #expect(try other.knownBad([sum]) == ["bricks (catalogue \(key.publicKey.id))"])
    #expect(code { try other.refuseKnownBad([sum]) } == "library.known-bad")
    #expect(try other.claims(of: sum).map(\.1.note) == ["tested by Ada"])
    #expect(try other.distrust(key.publicKey.id))
    #expect(try other.knownBad([sum]).isEmpty)
    #expect(try !other.distrust(key.publicKey.id))
  }

  @Test("A tampered catalogue leaves everything as it was") func tampered() throws {
    let scene = try Scene()
    let library = try scene.library()
    let key = Minisign.SecretKey()
    try library.trust(key.publicKey)
    let sum = String(repeating: "d", count: 64)
    let entries = [Catalogue.Entry(sha256: sum, knownBad: "bad")]
    let good = try Catalogue(name: "x", made: made, entries: entries).encoded()
    let signature = try key.sign(good, comment: "1")
    _ = try library.take(good, signature: signature)
    let bad = Array(String(decoding: good, as: UTF8.self).replacing("bad", with: "fad").utf8)
    #expect(code { _ = try library.take(bad, signature: signature) } == "catalogue.bad-signature")
    #expect(try library.knownBad([sum]).count == 1)
    let older = try Catalogue(name: "x", made: "2026-11-20T08:00:00Z", entries: []).encoded()
    let olderSignature = try key.sign(older, comment: "0")
    #expect(code { _ = try library.take(older, signature: olderSignature) } == "catalogue.older")
    #expect(try library.knownBad([sum]).count == 1)
    let newer = try Catalogue(name: "x", made: "2026-11-22T08:00:00Z", entries: []).encoded()
    _ = try library.take(newer, signature: try key.sign(newer, comment: "2"))
    #expect(try library.knownBad([sum]).isEmpty)
  }

  @Test("Catalogues that are none are refused, even well signed ones") func malformed() throws {
    let sum = String(repeating: "e", count: 64)
    func json(_ entries: String, version: Int = 1, format: String = "modemsmith-catalogue")
      -> String
    {
      "{\"format\":\"\(format)\",\"version\":\(version),\"name\":\"x\",\"made\":\"\(made)\","
        + "\"entries\":[\(entries)]}"
    }
    func entry(_ sum: String, _ more: String = "") -> String {
      "{\"sha256\":\"\(sum)\",\"names\":[],\"images\":[]\(more)}"
    }
    #expect(try Catalogue(Array(json(entry(sum)).utf8)).entries.count == 1)
    for text in [
      "", "{}", "[]", String(repeating: "[", count: 100_000), json("").replacing(made, with: "now"),
      json("", version: 2), json("", format: "other"), json(entry("abc")),
      json(entry(sum) + "," + entry(sum)), json(entry(sum.uppercased())),
      json(entry(sum, ",\"note\":\"\(String(repeating: "n", count: 5000))\"")),
      json(entry(sum, ",\"bytes\":-1")), json(entry(sum, ",\"bytes\":1e40")),
      json(entry(sum)) + "x",
    ] {
      #expect(
        code { _ = try Catalogue(Array(text.utf8)) } == "catalogue.malformed", "\(text.prefix(80))")
    }
    #expect(code { _ = try Catalogue([0xff, 0xfe, 0x00]) } == "catalogue.malformed")
  }
}

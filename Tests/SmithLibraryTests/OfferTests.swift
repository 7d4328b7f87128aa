import Foundation
import GRDB
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import Testing

@testable import SmithLibrary

@Suite("Files that a trusted catalogue knows") struct OfferTests {
  /// A library of three files of somebody, as a signed catalogue.
  private func catalogue(_ key: Minisign.SecretKey, bad: String? = nil) throws -> (
    bytes: [UInt8], signature: String
  ) {
    let theirs = try Scene()
    try theirs.package("new.bin", version: "21.157.99.00.00")
    try theirs.package("other.bin", version: "21.157.99.00.264", seed: 2)
    try theirs.package("foreign.bin", .e3372h, version: "21.180.99.00.00", seed: 3)
    let library = try theirs.library()
    var options = AddOptions()
    options.provenance = "their old computer"
    _ = try library.add(["\(theirs.folder)/in"], options: options)
    if let bad { try library.mark(try library.entry("1").sha256, bad: bad) }
    let bytes = try library.catalogue(name: "theirs").encoded()
    return (bytes, try key.sign(bytes, comment: "theirs"))
  }

  @Test("are found by words and for the stick, with whose word that is") func found() throws {
    let key = Minisign.SecretKey()
    let (bytes, signature) = try catalogue(key)
    let mine = try Scene()
    let library = try mine.library()
    try library.trust(key.publicKey)
    #expect(try library.findOffers("21.157").isEmpty)
    _ = try library.take(bytes, signature: signature)
    let byWords = try library.findOffers("21.157")
    #expect(byWords.count == 2)
    #expect(byWords.allSatisfy { $0.signer == key.publicKey.id })
    #expect(byWords.allSatisfy { $0.entry.provenance == "their old computer" })
    #expect(try library.findOffers("their computer").count == 3)
    let fitting = try library.findOffers(for: Scene.device(.e3131))
    #expect(fitting.map(\.fit?.answer) == [.fits, .fits])
    // The own customer's build comes first.
    #expect(fitting.first?.image.claims.firmware?.text == "21.157.99.00.00")
    #expect(try library.find("21.157").isEmpty)
  }

  @Test("are no offers where the owner has them, and go with their signer") func gone() throws {
    let key = Minisign.SecretKey()
    let (bytes, signature) = try catalogue(key)
    let mine = try Scene()
    try mine.package("same.bin", version: "21.157.99.00.00")
    let library = try mine.library()
    _ = try library.add(["\(mine.folder)/in"])
    try library.trust(key.publicKey)
    _ = try library.take(bytes, signature: signature)
    #expect(try library.findOffers("21.157").count == 1)
    #expect(try library.find(for: Scene.device(.e3131)).count == 1)
    // Taking it once more offers nothing twice.
    _ = try library.take(bytes, signature: signature)
    #expect(try library.findOffers("21.157").count == 1)
    try library.distrust(key.publicKey.id)
    #expect(try library.findOffers("21.157").isEmpty)
    #expect(try library.findOffers(for: Scene.device(.e3131)).isEmpty)
  }

  @Test("say that they are bad, and do not fit then") func bad() throws {
    let key = Minisign.SecretKey()
    let (bytes, signature) = try catalogue(key, bad: "bricks")
    let library = try Scene().library()
    try library.trust(key.publicKey)
    _ = try library.take(bytes, signature: signature)
    let offers = try library.findOffers("bin")
    #expect(offers.filter { !$0.bad.isEmpty }.count == 1)
    let fitting = try library.findOffers(for: Scene.device(.e3131))
    #expect(fitting.allSatisfy { $0.bad.isEmpty })
  }

  @Test("and own files are findable in a library of the first layout") func oldLayout() throws {
    let key = Minisign.SecretKey()
    let (bytes, signature) = try catalogue(key)
    let scene = try Scene()
    try scene.package("mine.bin", version: "21.157.98.00.00", seed: 9)
    do {
      let library = try scene.library()
      _ = try library.add(["\(scene.folder)/in"])
      try library.trust(key.publicKey)
      _ = try library.take(bytes, signature: signature)
      library.store.close()
    }
    let old = try DatabaseQueue(path: scene.database)
    try old.write { database in
      for table in ["candidate", "offer", "offerwords"] {
        try database.execute(sql: "DROP TABLE \(table)")
      }
      try database.execute(
        sql: """
          CREATE TABLE product(name TEXT NOT NULL, image INTEGER NOT NULL,
            PRIMARY KEY(name, image)) WITHOUT ROWID;
          DELETE FROM grdb_migrations WHERE identifier = 'library 2';
          """)
    }
    try old.close()
    let library = try scene.library()
    #expect(try library.find(for: Scene.device(.e3131)).count == 1)
    #expect(try library.findOffers(for: Scene.device(.e3131)).count == 2)
    #expect(try library.findOffers("21.180").count == 1)
  }

  @Test("The likeliest of very many are found without looking at all of them") func many() throws {
    let scene = try Scene()
    for index in 0..<600 { try scene.write("\(index).bin", Array("image \(index)".utf8)) }
    var options = AddOptions()
    options.reader = { path in
      let number = Int(path.split(separator: "/").last?.dropLast(4) ?? "") ?? 0
      let product = ["E3531", "E3531s", "BV7R11HS"][number % 3]
      return [
        FoundImage(
          FirmwareImage(
            format: .balong, origin: 0..<100, kinds: [.firmware], segments: [],
            claims: ImageClaims(
              products: [product],
              firmware: FirmwareVersion(
                "21.157.\(number % 97).\(number / 97).\([0, 7, 264][number % 3 == 0 ? number % 2 : 2])"
              ))))
      ]
    }
    let library = try scene.library()
    _ = try library.add(["\(scene.folder)/in"], options: options)
    let device = Scene.device(.e3131, firmware: "21.157.31.00.00")
    let all = try library.find(for: device, limit: 10_000)
    let some = try library.find(for: device, limit: 7)
    #expect(some.count == 7)
    #expect(some.map(\.entry.id) == all.prefix(7).map(\.entry.id))
    #expect(some.first?.fit?.sameCustomer == true)
  }
}

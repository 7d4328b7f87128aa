import Foundation
import SmithFormats
import SmithModel
import Testing

@testable import SmithLibrary

@Suite("Cabinets") struct CabinetTests {
  @Test("A file goes into a cabinet and out of it into another library") func roundTrip() throws {
    let mine = try Scene()
    let theirs = try Scene()
    let library = try mine.library()
    let path = try mine.package("E3131.bin")
    _ = try library.add([path])
    let entry = try library.entry(path)
    try library.mark(entry.sha256, note: "fixes <drops> & \"heat\"")
    let cab = "\(mine.folder)/out.cab"
    try library.writeCabinet(of: try library.entry(path), to: cab)
    #expect(
      code { try library.writeCabinet(of: entry, to: cab) } == "cabinet.not-written")
    let other = try theirs.library()
    let contents = try other.takeCabinet(cab)
    #expect(contents.files == [entry.sha256])
    #expect(contents.info.description == "fixes <drops> & \"heat\"")
    #expect(contents.info.version == "21.157.99.00.00")
    #expect(contents.info.claims.products == ["E3531"])
    #expect(contents.info.guids.count == 1)
    let taken = try other.entry(entry.sha256)
    #expect(taken.images == entry.images)
    #expect(taken.places.map(\.isCopy) == [true])
    var states: [PlaceCheck.State] = []
    try other.verify { states.append($0.state) }
    #expect(states == [.good])
    let left = try FileManager.default.contentsOfDirectory(atPath: theirs.data)
    #expect(!left.contains { $0.hasPrefix("cabinet-") })
  }

  @Test("Other tools read our cabinets, and we read theirs") func tools() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("E3131.bin")
    _ = try library.add([path])
    let entry = try library.entry(path)
    let cab = "\(scene.folder)/out.cab"
    try library.writeCabinet(of: entry, to: cab)
    guard let (status, said) = try tool("cabextract", ["-q", cab], in: scene.folder) else {
      try Test.cancel("cabextract is missing")
    }
    #expect(status == 0, "\(said)")
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: "\(scene.folder)/firmware.bin"))
        == Data(contentsOf: URL(fileURLWithPath: path)))
    guard
      let (made, told) = try tool(
        "gcab", ["-cz", "packed.cab", "firmware.metainfo.xml", "firmware.bin"], in: scene.folder)
    else { try Test.cancel("gcab is missing") }
    #expect(made == 0, "\(told)")
    let other = try Scene()
    let contents = try other.library().takeCabinet("\(scene.folder)/packed.cab")
    #expect(contents.files == [entry.sha256])
  }

  @Test("A changed payload, a missing one and a missing promise are refused") func refusals() throws
  {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("E3131.bin")
    _ = try library.add([path])
    let entry = try library.entry(path)
    let info = MetaInfo(entry.images[0], file: "firmware.bin", sha256: entry.sha256, note: nil)
    func take(_ parts: [(String, [UInt8])]) throws -> String? {
      let cab = "\(scene.folder)/\(UUID().uuidString).cab"
      try Cabinet.write(parts.map { .init(name: $0.0, source: .bytes($0.1)) }, to: cab)
      return code { _ = try library.takeCabinet(cab) }
    }
    let xml = info.encoded
    #expect(
      try take([("a.metainfo.xml", xml), ("firmware.bin", [1, 2])]) == "cabinet.bad-checksum")
    #expect(try take([("a.metainfo.xml", xml)]) == "cabinet.bad-checksum")
    #expect(try take([("firmware.bin", [1])]) == "cabinet.bad-metainfo")
    #expect(try take([("a.metainfo.xml", Array("<x>".utf8))]) == "cabinet.bad-metainfo")
    let empty = Array("<component><id>x</id></component>".utf8)
    #expect(try take([("a.metainfo.xml", empty)]) == "cabinet.bad-metainfo")
    #expect(
      code { _ = try library.takeCabinet(path) } == "cabinet.unreadable")
    #expect(try library.count() == 1)
  }

  @Test("A cut cabinet is refused wherever it is cut") func cut() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("E3131.bin")
    _ = try library.add([path])
    let cab = "\(scene.folder)/out.cab"
    try library.writeCabinet(of: try library.entry(path), to: cab)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cab)))
    let other = try Scene()
    for count in stride(from: 0, to: bytes.count - 1, by: 997) {
      let file = try scene.write("cut.cab", Array(bytes.prefix(count)))
      #expect(code { _ = try other.library().takeCabinet(file) } != nil, "cut at \(count)")
    }
    #expect(try other.library().count() == 0)
  }

  @Test("An archive or a file that is gone goes into no cabinet") func notIn() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("E3131.bin")
    _ = try library.add([path])
    var entry = try library.entry(path)
    try FileManager.default.removeItem(atPath: path)
    let cab = "\(scene.folder)/x.cab"
    #expect(code { try library.writeCabinet(of: entry, to: cab) } == "library.file-changed")
    entry.images = []
    #expect(code { try library.writeCabinet(of: entry, to: cab) } == "library.no-image")
  }

  @Test("Device texts become the GUIDs that others compute") func guids() {
    #expect(
      MetaInfo.guid("USB\\VID_0A5C&PID_6412&REV_0001") == "52fd36dc-5904-5936-b114-d98e9d410b25")
    #expect(MetaInfo.guid("python.org") == "886313e1-3b8a-5372-9b90-0c9aee199e5d")
  }
}
